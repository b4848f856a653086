//! What fsck walks: the data folder of `dengbei up`, or what a configuration file names. The one place that knows
//! where keys, sites, staged bytes and databases are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use dengbei_kit::RoleConfig;
use dengbei_kit::config::{Purpose, S3, SiteStorage, Source};
use dengbei_vault::Site;

use super::FsckArgs;
use crate::roles::Role;
use crate::up::{Stand, stand};

/// The site that packs are filed on.
pub(crate) const PRIMARY: &str = "primary";

/// Where everything is.
pub(crate) struct Scope {
    /// The folder of the keys; public ones suffice.
    pub(crate) keys: PathBuf,
    /// The folder of staged bytes.
    pub(crate) staging: PathBuf,
    /// The site that packs are filed on.
    pub(crate) primary: String,
    /// Every site that can be reached from here, by name.
    pub(crate) sites: BTreeMap<String, SiteStorage>,
    /// How buckets are reached.
    pub(crate) s3: Option<S3>,
    databases: Databases,
}

enum Databases {
    Not,
    Of(Stand),
    At(BTreeMap<String, String>),
}

impl Scope {
    /// Finds everything; PostgreSQL of a data folder that nobody runs is started.
    ///
    /// # Errors
    /// When there is no deployment in the folder, or the configuration does not say where its parts are.
    pub(crate) async fn of(args: &FsckArgs) -> anyhow::Result<Self> {
        match (&args.data, &args.config) {
            (Some(data), _) => Self::of_folder(data, args.site_only).await,
            (None, Some(file)) => Self::of_file(file, args.site_only),
            (None, None) => anyhow::bail!("需要 --data 或 --config / give --data or --config"),
        }
    }

    async fn of_folder(data: &Path, is_site_only: bool) -> anyhow::Result<Self> {
        let databases = if is_site_only { Databases::Not } else { Databases::Of(stand(data).await?) };
        let mut sites = BTreeMap::new();
        for entry in std::fs::read_dir(data.join("sites"))? {
            let entry = entry?;
            sites.insert(entry.file_name().to_string_lossy().into_owned(), entry.path().into());
        }
        let (keys, staging) = (data.join("keys"), data.join("staging"));
        Ok(Self { keys, staging, primary: PRIMARY.to_owned(), sites, s3: None, databases })
    }

    fn of_file(file: &Path, is_site_only: bool) -> anyhow::Result<Self> {
        let source = Source::read(Some(file))?;
        let told = |role: Role, site: Option<&str>| -> anyhow::Result<RoleConfig> {
            let purpose = if role.database().is_some() { Purpose::Databases } else { Purpose::Keys };
            Ok(source.role(role.name(), site, purpose).config()?)
        };
        let registration = told(Role::Registration, None)?;
        let primary = registration.sites.first().map_or_else(|| PRIMARY.to_owned(), |site| site.name.clone());
        let mut sites = BTreeMap::from([(primary.clone(), registration.site.clone())]);
        for name in source.sites() {
            let site = told(Role::Site, Some(&name))?.site;
            sites.entry(name).or_insert(site);
        }
        let mut urls = BTreeMap::new();
        for role in Role::ALL.into_iter().filter(|role| !is_site_only && role.database().is_some()) {
            urls.insert(role.name().to_owned(), told(role, None)?.database.to_string());
        }
        let databases = if is_site_only { Databases::Not } else { Databases::At(urls) };
        let staging = told(Role::Ingest, None)?.staging;
        let (keys, s3) = (registration.keys, registration.s3);
        Ok(Self { keys, staging, primary, sites, s3, databases })
    }

    /// Database URLs by role; `None` when only sites and log are walked.
    pub(crate) fn databases(&self) -> Option<&BTreeMap<String, String>> {
        match &self.databases {
            Databases::Not => None,
            Databases::Of(stand) => Some(stand.databases()),
            Databases::At(urls) => Some(urls),
        }
    }

    /// The storage of a site, to be read only.
    ///
    /// # Errors
    /// When the site is not known, or its storage cannot be reached.
    pub(crate) fn site(&self, site: &str) -> anyhow::Result<Site> {
        let storage = self.sites.get(site).with_context(|| format!("没有备份点 / no site {site}"))?;
        Site::look(storage, self.s3.as_ref()).with_context(|| format!("{site}: {storage}"))
    }

    /// Stops what was started for this.
    pub(crate) async fn leave(self) {
        if let Databases::Of(stand) = self.databases {
            stand.leave().await;
        }
    }
}
