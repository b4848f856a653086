//! Four items and everything that happened to them, in the order in which it happened.

pub(crate) mod life;

use dengbei_chain::facts::{
    BatchFiled, ItemChecked, ItemFiled, ItemParked, ItemPrefiled, ItemReturned, ItemSuperseded,
    MatterPublished, SubmissionRefused, Verdict,
};
use dengbei_chain::{DocumentRef, Draft, Event, Fact, Member, MemberList, Subject};
use dengbei_query::Lists;
use dengbei_records::{
    DataVersion, EventHash, EventType, IdKey, ItemId, Matter, PackNumber, Retention, Sha256, Sha512,
    SubmissionId, Timestamp,
};
use uuid::Uuid;

pub(crate) struct Story {
    pub(crate) events: Vec<Event>,
    pub(crate) lists: Lists,
    pub(crate) items: Vec<ItemId>,
    pub(crate) submissions: Vec<SubmissionId>,
}

impl Story {
    pub(crate) fn told() -> Self {
        let mut story = Self {
            events: Vec::new(),
            lists: Lists::new(),
            items: (0..4).map(item).collect(),
            submissions: (0..7).map(submission).collect(),
        };
        story.publish("2026-01", "2026-01-01", "企业投资项目备案");
        story.publish("2026-02", "2026-06-01", "企业投资项目备案（新名）");
        // Item 0: filed; a correction of it is returned.
        let prefiled = story.prefile(0, 0, 1);
        // Item 1: returned, and sent again.
        let failing = story.prefile(1, 2, 1);
        let failed = story.fail(1, 1, failing);
        story.give_back(1, 2, 1, failed);
        let again = story.prefile(1, 3, 1);
        let run = story.pass(&[(0, prefiled), (1, again)]);
        let filed = story.file((0, 0), 12, vec![prefiled, run]);
        story.sign(12, &[(0, filed)]);
        let correction = story.prefile(0, 1, 2);
        let wrong = story.fail(0, 2, correction);
        story.give_back(0, 1, 2, wrong);
        // Item 2: refused at the door. Item 3: overtaken by a version that is parked.
        let refused = SubmissionRefused {
            submission: submission(4),
            item: Some(item(2)),
            failed: vec!["U-01".into()],
            data_version: 1,
        };
        story.state(Subject::Item(item(2)), vec![], Fact::SubmissionRefused(refused));
        let nobody = SubmissionRefused {
            submission: submission(9),
            item: None,
            failed: vec!["U-07".into()],
            data_version: 0,
        };
        story.state(Subject::Submission(submission(9)), vec![], Fact::SubmissionRefused(nobody));
        let old = story.prefile(3, 5, 1);
        let parked = story.park(3, 6, 2);
        let superseded = ItemSuperseded {
            item: item(3),
            data_version: version(1),
            submission: submission(5),
            by_data_version: version(2),
            by_submission: submission(6),
        };
        story.state(Subject::Item(item(3)), vec![old, parked], Fact::ItemSuperseded(superseded));
        story
    }

    fn state(&mut self, subject: Subject, causes: Vec<EventHash>, fact: Fact) -> EventHash {
        let n = self.events.len();
        let draft = Draft {
            id: Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0000 + n as u128),
            area: "330382".parse().unwrap(),
            subject,
            causes,
            actor: None,
            // Clocks of different services: not always later than their causes.
            recorded_at: Timestamp::from_millis(1_790_000_000_000 + [0, 700, -300][n % 3] + 1_000 * n as i64),
            fact,
        };
        let event = Event::read(draft.encode().unwrap().bytes).unwrap();
        let hash = event.hash;
        self.events.push(event);
        hash
    }

    fn publish(&mut self, scope: &str, from: &str, name: &str) {
        let matter = Matter {
            matter_code: "511Z07001006-511602000000".parse().unwrap(),
            matter_name: name.into(),
            event_type: "10".into(),
            unit_name: "区经信局".into(),
            unit_uscc: "11511301008778183N".parse().unwrap(),
            retention: Retention::ThirtyYears,
            scope_version: scope.into(),
            in_force_from: from.into(),
            scope: Vec::new(),
        };
        let subject = Subject::Matter(matter.matter_code.clone());
        let fact = MatterPublished { matter, fonds_no: "J019".parse().unwrap() };
        self.state(subject, vec![], Fact::MatterPublished(fact));
    }

    fn prefile(&mut self, of: u8, by: u8, data_version: u32) -> EventHash {
        // Item 4 is the only one that the archive does not take.
        let retention = if of == 4 { Retention::TenYears } else { Retention::ThirtyYears };
        let fact = ItemPrefiled {
            item: item(of),
            data_version: version(data_version),
            submission: submission(by),
            source_system: "ZWFW".parse().unwrap(),
            matter_code: "511Z07001006-511602000000".parse().unwrap(),
            unit_uscc: "11511301008778183N".parse().unwrap(),
            retention,
            year: 2026,
            scope_version: "2026-01".into(),
            reception: Sha256::of(b"r"),
            files: 3,
            bytes: 24_576,
            warned: vec![],
            event_type: EventType::Other,
        };
        self.state(Subject::Item(item(of)), vec![], Fact::ItemPrefiled(fact))
    }

    fn park(&mut self, of: u8, by: u8, data_version: u32) -> EventHash {
        let fact = ItemParked {
            item: item(of),
            data_version: version(data_version),
            submission: submission(by),
            source_system: "ZWFW".parse().unwrap(),
            matter_code: "unknown".into(),
            reception: Sha256::of(b"r"),
        };
        self.state(Subject::Item(item(of)), vec![], Fact::ItemParked(fact))
    }

    fn fail(&mut self, of: u8, data_version: u32, cause: EventHash) -> EventHash {
        let verdict = Verdict::Failed {
            item: item(of),
            data_version: version(data_version),
            failed: vec!["A-08".into()],
        };
        let report = DocumentRef::to(b"{}", "application/json");
        self.state(Subject::Item(item(of)), vec![cause], Fact::ItemChecked(checked(verdict, report)))
    }

    fn give_back(&mut self, of: u8, by: u8, data_version: u32, cause: EventHash) {
        let fact = ItemReturned {
            item: item(of),
            data_version: version(data_version),
            submission: submission(by),
            failed: vec!["A-08".into()],
            report: DocumentRef::to(b"{}", "application/json"),
        };
        self.state(Subject::Item(item(of)), vec![cause], Fact::ItemReturned(fact));
    }

    fn pass(&mut self, members: &[(u8, EventHash)]) -> EventHash {
        let list = list("item.checked", members);
        let verdict = Verdict::Passed { count: members.len() as u32, root: list.root() };
        let fact = Fact::ItemChecked(checked(verdict, list.document().unwrap().1));
        let hash = self.state(Subject::Run(Uuid::from_u128(7)), vec![members[0].1], fact);
        self.lists.insert(hash, list);
        hash
    }

    fn file(&mut self, (of, by): (u8, u8), pack: u64, causes: Vec<EventHash>) -> EventHash {
        let fact = ItemFiled {
            item: item(of),
            data_version: version(1),
            archival_code: format!("J019-ZY·QT·2026·D30-{:05}", of + 1).parse().unwrap(),
            pack: PackNumber::new(pack),
            object_version: 1,
            record: Sha256::of(b"r"),
            inventory: Sha512::of(b"i"),
            submission: submission(by),
        };
        self.state(Subject::Item(item(of)), causes, Fact::ItemFiled(fact))
    }

    fn sign(&mut self, pack: u64, members: &[(u8, EventHash)]) -> EventHash {
        let list = list("batch.filed", members);
        let fact = BatchFiled {
            pack: PackNumber::new(pack),
            generation: 0,
            fonds_no: "J019".parse().unwrap(),
            year: 2026,
            retention: Retention::ThirtyYears,
            count: members.len() as u32,
            root: list.root(),
            pack_digest: Sha256::of(b"p"),
            pack_bytes: 10_240,
            versions_root: Sha256::of(b"v"),
            unit_uscc: "11511301008778183N".parse().unwrap(),
            unit_key: [3; 32],
            unit_signature: [4; 64],
            members: list.document().unwrap().1,
        };
        self.state(Subject::Pack(PackNumber::new(pack)), vec![], Fact::BatchFiled(fact))
    }
}

fn checked(verdict: Verdict, report: DocumentRef) -> ItemChecked {
    ItemChecked { stage: "G".into(), scheme: "default/1".into(), engine: "0.1.0".into(), verdict, report }
}

fn list(of: &str, members: &[(u8, EventHash)]) -> MemberList {
    let member = |(of, event): &(u8, EventHash)| Member {
        event: *event,
        item: item(*of),
        data_version: DataVersion::FIRST,
        detail: serde_json::Value::Null,
    };
    MemberList { of: of.into(), salt: "00".repeat(32), members: members.iter().map(member).collect() }
}

fn item(n: u8) -> ItemId {
    ItemId::derive(&IdKey::from_bytes([7; 32]), &"ZWFW".parse().unwrap(), &n.to_string())
}

fn submission(n: u8) -> SubmissionId {
    SubmissionId::from_uuid(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0100 + u128::from(n)))
}

fn version(n: u32) -> DataVersion {
    n.try_into().unwrap()
}
