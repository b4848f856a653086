//! What a template can see: itself, the shared form, the view, the data, the QR code, the fonts. No disk, no network,
//! no clock.

use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, World};

use crate::fonts::Fonts;
use crate::sheet::Sheet;

/// What all forms share.
const FORM: &str = include_str!("../templates/form.typ");

/// Which section of a sheet, and where its pages stand among all.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Section {
    /// From 0.
    pub(crate) index: usize,
    /// Pages of the sections before.
    pub(crate) pages_before: usize,
    /// Pages of all sections; 0 when the section is the whole.
    pub(crate) pages: usize,
}

/// What a press has.
#[derive(Clone, Copy)]
pub(crate) struct Tools<'a> {
    pub(crate) library: &'a LazyHash<Library>,
    pub(crate) fonts: &'a Fonts,
}

/// One section in the press.
pub(crate) struct Desk<'a> {
    library: &'a LazyHash<Library>,
    fonts: &'a Fonts,
    main: Source,
    form: Source,
    files: Vec<(FileId, Bytes)>,
}

impl<'a> Desk<'a> {
    pub(crate) fn of(sheet: &Sheet, section: Section, tools: Tools<'a>) -> Result<Self, String> {
        let Section { index, pages_before, pages } = section;
        let view = sheet.views.get(index).cloned().unwrap_or_default();
        let pages = format!("{{\"before\":{pages_before},\"all\":{pages}}}");
        let mut files = vec![
            (id("/view.json")?, Bytes::new(view)),
            (id("/pages.json")?, Bytes::new(pages.into_bytes())),
            (id("/data.json")?, Bytes::new(sheet.data.clone())),
        ];
        if let Some(code) = &sheet.code {
            files.push((id("/code.svg")?, Bytes::new(code.clone().into_bytes())));
        }
        Ok(Self {
            library: tools.library,
            fonts: tools.fonts,
            main: Source::new(id("/main.typ")?, sheet.template.into()),
            form: Source::new(id("/form.typ")?, FORM.into()),
            files,
        })
    }
}

fn id(path: &str) -> Result<FileId, String> {
    let path = VirtualPath::new(path).map_err(|error| format!("{path}: {error:?}"))?;
    Ok(RootedPath::new(VirtualRoot::Project, path).intern())
}

impl World for Desk<'_> {
    fn library(&self) -> &LazyHash<Library> {
        self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        self.fonts.book()
    }

    fn main(&self) -> FileId {
        self.main.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let sources = [&self.main, &self.form];
        let found = sources.into_iter().find(|source| source.id() == id);
        found.cloned().ok_or(FileError::AccessDenied)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let found = self.files.iter().find(|file| file.0 == id);
        found.map(|file| file.1.clone()).ok_or(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.face(index)
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}
