//! An upload's body: zips written while they are sent, entries stored, never whole in memory.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use bytes::Bytes;
use dengbei_formats::{FolderSource, Limits, PackageSource, ReadError};
use futures::channel::mpsc::{Sender, channel};
use futures::{SinkExt as _, StreamExt as _};
use reqwest::Body;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::find::Parcel;
use super::parts::{Kind, Part};

const BUFFER: usize = 256 * 1024;
/// Buffers between disk and network.
const IN_FLIGHT: usize = 4;

/// The body of a part, from its beginning: called again for every try.
///
/// # Errors
/// When a file cannot be opened.
pub(super) fn of(part: &Part) -> anyhow::Result<Body> {
    match (&part.kind, &part.parcels[..]) {
        (Kind::Package | Kind::BatchZip, [parcel]) if parcel.is_zip => Ok(as_it_lies(&parcel.path)?),
        _ => Ok(zipped(part.clone())),
    }
}

fn as_it_lies(path: &Path) -> io::Result<Body> {
    let file = tokio::fs::File::from_std(File::open(path)?);
    Ok(Body::wrap_stream(tokio_util::io::ReaderStream::with_capacity(file, BUFFER)))
}

fn zipped(part: Part) -> Body {
    let (out, chunks) = channel::<io::Result<Bytes>>(IN_FLIGHT);
    tokio::task::spawn_blocking(move || {
        let mut outlet = Outlet { out, is_shut: false };
        if let Err(error) = write(&part, &mut outlet) {
            // An upload that breaks off is kept nowhere.
            let _ = futures::executor::block_on(outlet.out.send(Err(error)));
        }
    });
    Body::wrap_stream(chunks.map(|chunk| chunk))
}

fn write(part: &Part, outlet: &mut Outlet) -> io::Result<()> {
    let mut zip = ZipWriter::new_stream(io::BufWriter::with_capacity(BUFFER, outlet));
    if let Kind::Batch(catalogue) = &part.kind {
        let name = catalogue.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        start(&mut zip, &name)?;
        io::copy(&mut File::open(catalogue)?, &mut zip)?;
    }
    for parcel in &part.parcels {
        if parcel.is_zip {
            start(&mut zip, &parcel.name)?;
            io::copy(&mut File::open(&parcel.path)?, &mut zip)?;
        } else {
            write_folder(&mut zip, parcel)?;
        }
    }
    zip.finish().map_err(io::Error::other)?.into_inner().flush()
}

fn write_folder<W: Write>(
    zip: &mut ZipWriter<zip::write::StreamWriter<W>>,
    parcel: &Parcel,
) -> io::Result<()> {
    let source = FolderSource::open(&parcel.path, &Limits::PACKAGE).map_err(local)?;
    let mut buffer = vec![0; BUFFER];
    for (index, entry) in source.entries().iter().enumerate() {
        start(zip, &format!("{}/{}", parcel.name, entry.path))?;
        let mut file = source.open(index)?;
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                n => zip.write_all(&buffer[..n])?,
            }
        }
    }
    Ok(())
}

fn start<W: Write>(zip: &mut ZipWriter<zip::write::StreamWriter<W>>, name: &str) -> io::Result<()> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file(name, options.large_file(true)).map_err(io::Error::other)
}

fn local(error: ReadError) -> io::Error {
    match error {
        ReadError::Refused(problem) => io::Error::new(io::ErrorKind::InvalidData, problem),
        ReadError::Io(error) => error,
    }
}

/// Where the zip goes: to the network, at its pace.
struct Outlet {
    out: Sender<io::Result<Bytes>>,
    /// Nobody reads any more. That was said once; what the zip writer still wants to finish goes nowhere.
    is_shut: bool,
}

impl Write for &mut Outlet {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if !self.is_shut
            && futures::executor::block_on(self.out.send(Ok(Bytes::copy_from_slice(data)))).is_err()
        {
            self.is_shut = true;
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
