//! Opens a pack by its catalogue and reads versions by their ranges.

use std::io::{Read, Seek, SeekFrom, Take};

use super::catalogue::{Catalogue, CataloguedVersion};
use super::plan::VersionPlace;
use super::verify::{self, PackReport};
use super::version::VersionReader;
use crate::error::PackError;

/// A pack that can be read anywhere.
#[derive(Debug)]
pub struct PackReader<R> {
    inner: R,
    catalogue: Catalogue,
    base: u64,
}

impl<R: Read + Seek> PackReader<R> {
    /// Reads the catalogue.
    ///
    /// # Errors
    /// [`PackError::Damaged`] when the file does not begin with a catalogue that agrees with itself.
    pub fn open(mut inner: R) -> Result<Self, PackError> {
        inner.seek(SeekFrom::Start(0))?;
        let (catalogue, _, base) = Catalogue::read(&mut inner)?;
        Ok(Self { inner, catalogue, base })
    }

    /// What the pack says it holds.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Where each version lies, counted from the file's first byte.
    pub fn places(&self) -> impl Iterator<Item = VersionPlace> + '_ {
        self.catalogue.versions.iter().map(|v| self.place(v))
    }

    fn place(&self, v: &CataloguedVersion) -> VersionPlace {
        let start = self.base + v.offset;
        VersionPlace {
            object: v.object.clone(),
            version: v.version,
            inventory: v.inventory,
            range: start..start + v.length,
        }
    }

    /// Reads the version of `object` that the pack holds: its inventory now, its content by the reader given.
    ///
    /// # Errors
    /// [`PackError::Damaged`] when it is not there or not what the catalogue says.
    pub fn version(&mut self, object: &str) -> Result<VersionReader<Take<&mut R>>, PackError> {
        let place = self.catalogue.find(object).map(|v| self.place(v));
        let place = place.ok_or_else(|| PackError::damaged(format!("{object} is not in the catalogue")))?;
        self.inner.seek(SeekFrom::Start(place.range.start))?;
        let len = place.range.end - place.range.start;
        let reader = VersionReader::open((&mut self.inner).take(len), len)?;
        if *reader.inventory_sha512() == place.inventory {
            Ok(reader)
        } else {
            Err(PackError::damaged(format!("the inventory of {object} is not the catalogue's")))
        }
    }

    /// Reads the pack whole and checks everything in it.
    ///
    /// # Errors
    /// [`PackError::Io`] when reading fails; damage is not an error but a finding.
    pub fn verify(&mut self) -> Result<PackReport, PackError> {
        self.inner.seek(SeekFrom::Start(0))?;
        verify::verify(&mut self.inner)
    }

    /// The input.
    pub fn into_inner(self) -> R {
        self.inner
    }
}

impl PackReport {
    /// Checks a pack in one pass from its first byte to its last, without seeking: also for downloads.
    ///
    /// # Errors
    /// [`PackError::Io`] when reading fails; damage is not an error but a finding.
    pub fn of(input: &mut impl Read) -> Result<Self, PackError> {
        verify::verify(input)
    }
}
