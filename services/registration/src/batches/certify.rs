//! 发证: every pack of a registered batch is secured, so the administration certifies it: certificate, number, event, in one
//! transaction. If we crash before it commits, no number was given.
//!
//! Before: `hear.rs`, where `pack.secured` is heard. After: `transfers`, for what is in the archive's range.

use dengbei_chain::facts::CertificateIssued;
use dengbei_chain::{Fact, Subject};
use dengbei_kit::{db, faults, status};
use dengbei_records::papers::MEDIA_TYPE;
use dengbei_records::{Series, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Office;
use super::error::BatchError;
use super::papers::{self, Issued, Sealing};
use crate::author::Statement;
use crate::metrics;
use crate::store::batches::{self, Batch, BatchState, Certified, Step};
use crate::store::filed_packs::{self, FiledPack};
use crate::store::{documents, numbers};
use crate::wake::{self, Topic};

/// Certificates of one pass.
const AT_ONCE: i64 = 64;

impl Office {
    /// Certifies everything that is backed up; gives the number of certificates.
    pub(crate) async fn certify(&self) -> Result<usize, BatchError> {
        let now = self.author.now();
        let mut connection = self.pool.acquire().await?;
        batches::back_up(&mut connection, now).await?;
        let ready = batches::backed_up(&mut connection, now, AT_ONCE).await?;
        drop(connection);
        let mut issued = 0;
        for batch in ready {
            // One after the other: they share the number's counter.
            issued += usize::from(self.certify_or_put_off(batch).await?);
        }
        Ok(issued)
    }

    async fn certify_or_put_off(&self, batch: Uuid) -> Result<bool, BatchError> {
        match self.certify_one(batch).await {
            Ok(is_issued) => Ok(is_issued),
            Err(e) => {
                let why = status::chain(&e);
                metrics::batch_failed("certify", e.class());
                tracing::error!(%batch, why, "cannot be certified yet");
                let now = self.author.now();
                batches::put_off(&mut *self.pool.acquire().await?, batch, now, &why).await?;
                Ok(false)
            }
        }
    }

    async fn certify_one(&self, batch: Uuid) -> Result<bool, BatchError> {
        let mut tx = db::begin_by_key(&self.pool).await?;
        let Some(held) = batches::hold(&mut tx, batch).await? else { return Ok(false) };
        if held.state != BatchState::BackedUp {
            return Ok(false);
        }
        self.issue(&mut tx, &held).await?;
        wake::on_commit(&mut tx, Topic::Certified).await?;
        faults::reach("certificate.issuing");
        tx.commit().await?;
        faults::reach("certificate.issued");
        metrics::certified();
        tracing::info!(%batch, unit = %held.unit, items = held.items, "certificate issued");
        Ok(true)
    }

    async fn issue(&self, tx: &mut PgConnection, batch: &Batch) -> Result<(), BatchError> {
        let lacking = |what: &str| BatchError::Content(format!("{}: {what}", batch.id));
        let registration_no =
            batch.registration_no.as_ref().ok_or_else(|| lacking("没有登记号 / no number"))?;
        let registered_at = batch.registered_at.ok_or_else(|| lacking("没有登记日期 / no date"))?;
        let now = self.author.now();
        let packs = filed_packs::of(tx, &batch.packs).await?;
        let causes = packs.iter().filter_map(|p: &FiledPack| p.secured).collect::<Vec<_>>();
        if causes.len() != batch.packs.len() {
            return Err(lacking("备份未达标 / a pack is not secured"));
        }
        let runs = filed_packs::runs(tx, &batch.packs).await?;
        let backups = filed_packs::backups(tx, &batch.packs).await?;
        let signer = self.signer(tx, batch).await?;
        let number =
            numbers::next_serial(tx, Series::Certificate, &self.author.area, papers::year(now)?).await?;
        let issued = Issued {
            batch,
            registration_no,
            registered_at,
            packs: &packs,
            runs: &runs,
            backups: &backups,
            signer,
            at: now,
        };
        let body = papers::certificate(&self.author.bodies.administration, &number, &issued)?;
        let document = self.seal_certificate(body, now).await?;
        let certificate = documents::cite(tx, document, MEDIA_TYPE, now).await?;
        let digest = certificate.digest;
        let text = CertificateIssued::signed_text(&self.author.area, &number, registration_no, &digest);
        let fact = Fact::CertificateIssued(CertificateIssued {
            certificate_no: number.clone(),
            registration_no: registration_no.clone(),
            batch: batch.id,
            unit_uscc: batch.unit.clone(),
            items: batch.items,
            root: batch.root,
            certificate,
            administration_key: self.administration.public(),
            administration_signature: self.administration.sign(&text),
        });
        let statement = Statement { subject: Subject::Certificate(number.clone()), causes, fact };
        let event = self.author.state(statement, now)?;
        let certified = Certified { number: &number, certificate: digest, event: event.hash, at: now };
        batches::certify(tx, batch.id, &certified).await?;
        batches::note(tx, batch.id, &[Step::new("certify", now, &issued.signer)]).await?;
        Ok(self.outbox.put(tx, &[event]).await?)
    }

    /// 签发人: who decided about the registration.
    async fn signer(&self, tx: &mut PgConnection, batch: &Batch) -> Result<String, BatchError> {
        let steps = batches::steps(tx, batch.id).await?;
        let decided =
            steps.into_iter().find(|s| s.step == "register").map(|s| s.by).filter(|by| !by.is_empty());
        match decided {
            Some(by) => Ok(by),
            None => Ok(crate::store::policies::of(tx, &batch.unit).await?.reviewer),
        }
    }

    async fn seal_certificate(
        &self,
        body: dengbei_records::papers::Certificate,
        at: Timestamp,
    ) -> Result<bytes::Bytes, BatchError> {
        let keys = self.administration.clone();
        let seal = move || {
            let name = body.administration.name.clone();
            Sealing { keys: &keys, role: "administration.seal", name: &name, at }.certificate(body)
        };
        tokio::task::spawn_blocking(seal).await?
    }
}
