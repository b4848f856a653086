//! `dengbei keys` on a real key folder: listed, sealed, restored byte for byte, changed.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use dengbei_kit::keyring;
use dengbei_kit::seals::SealKeys;

struct Place {
    folder: tempfile::TempDir,
    config: String,
}

impl Place {
    /// A key folder as `init` makes it.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("dengbei.toml");
        let keys = folder.path().join("keys");
        std::fs::write(&config, format!("[default]\narea = \"330382\"\nkeys = {keys:?}\n[site-archive]\n"))
            .unwrap();
        let place = Self { config: config.to_str().unwrap().to_owned(), folder };
        let (made, said) = place.run(&["init", "--config", &place.config]);
        assert!(made, "{said}");
        place
    }

    fn keys(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn run(&self, args: &[&str]) -> (bool, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_dengbei"))
            .args(args)
            .env_remove("DENGBEI_CONFIG")
            .env_remove("DENGBEI_KEYS")
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    fn keys_command(&self, args: &[&str]) -> (bool, String) {
        self.run(&[&["keys"], args, &["--config", &self.config]].concat())
    }

    fn backup(&self, passphrase: &str) -> (bool, String) {
        let file = self.path("sealed");
        self.keys_command(&["backup", "-o", &file, "--passphrase-file", passphrase])
    }

    fn restore(&self, from: &str, to: &str, passphrase: &str) -> (bool, String) {
        let to = self.path(to);
        self.run(&["keys", "restore", from, "--to", &to, "--passphrase-file", passphrase])
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn what_is_sealed_is_restored_byte_for_byte_and_only_with_its_passphrase() {
    let place = Place::new();
    let passphrase = place.file("passphrase", "a long enough one\n");
    let (sealed, said) = place.backup(&passphrase);
    assert!(sealed, "{said}");
    let before = keyring::files(&place.keys()).unwrap();
    let file = place.path("sealed");
    let (restored, said) = place.restore(&file, "restored", &passphrase);
    assert!(restored, "{said}");
    let to = place.folder.path().join("restored");
    assert_eq!(keyring::files(&to).unwrap(), before);
    assert_eq!((mode(&to), mode(&to.join("id.key")), mode(&to.join("register.pub"))), (0o700, 0o600, 0o644));
    assert_eq!(mode(Path::new(&file)), 0o600);
    let (restored, said) = place.restore(&file, "restored", &passphrase);
    assert!(!restored && said.contains("keys.not_empty"), "{said}");

    let wrong = place.file("wrong", "a long enough two\n");
    let (restored, said) = place.restore(&file, "wrong-way", &wrong);
    assert!(
        !restored && said.contains("keys.not_opened") && !Path::new(&place.path("wrong-way")).exists(),
        "{said}"
    );
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 40;
    bytes[last] ^= 1;
    std::fs::write(place.path("flipped"), bytes).unwrap();
    let (restored, said) = place.restore(&place.path("flipped"), "flipped-way", &passphrase);
    assert!(!restored && said.contains("keys.not_opened"), "{said}");

    let (again, said) = place.backup(&passphrase);
    assert!(!again && said.contains("keys.file_exists"), "{said}");
    let (short, said) = place.backup(&place.file("short", "short"));
    assert!(!short && said.contains("keys.short_passphrase"), "{said}");
}

#[test]
fn the_recovery_code_opens_the_first_backup_and_a_later_key_shows_as_uncovered() {
    let place = Place::new();
    let (covered, said) = place.keys_command(&["list"]);
    assert!(covered && said.contains("register.key") && said.contains("recovery code still lies"), "{said}");
    let private = std::fs::read_to_string(place.keys().join("id.key")).unwrap();
    assert!(!said.contains(private.trim()), "no private half is shown");
    let code = keyring::recovery_code(&place.keys());
    assert_eq!(mode(&code), 0o600);
    let sealed = keyring::sealed(&place.keys());
    let (restored, said) = place.restore(sealed.to_str().unwrap(), "restored", code.to_str().unwrap());
    assert!(restored, "{said}");

    SealKeys::open_or_make(&place.keys().join("units"), "115113016823646795").unwrap();
    let (covered, said) = place.keys_command(&["list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(!covered && listed["backup"]["covers"] == false, "{said}");
    let uncovered = listed["keys"].as_array().unwrap().iter().find(|key| key["covered"] == false).unwrap();
    assert_eq!(uncovered["file"], "units/115113016823646795.key");
    let (sealed, said) = place.backup(&place.file("passphrase", "a long enough one"));
    assert!(sealed && !code.exists(), "{said}");
    assert!(place.keys_command(&["list"]).0);
}

#[test]
fn a_token_is_changed_in_three_steps_and_both_are_there_until_the_last() {
    let place = Place::new();
    let read = |name: &str| std::fs::read_to_string(place.keys().join(name)).ok();
    let first = read("mesh.token").unwrap();
    let step = |step: &str| place.keys_command(&["rotate", "mesh-token", "--step", step]);
    assert!(!step("switch").0, "nothing is prepared yet");
    assert!(step("prepare").0);
    let next = read("mesh.token.also").unwrap();
    assert_ne!(first, next);
    let (again, said) = step("prepare");
    assert!(!again && said.contains("keys.change_begun"), "{said}");
    assert!(step("switch").0);
    assert_eq!((read("mesh.token"), read("mesh.token.also")), (Some(next.clone()), Some(first)));
    assert!(step("finish").0);
    assert_eq!((read("mesh.token"), read("mesh.token.also")), (Some(next), None));
}

#[test]
fn a_changed_key_leaves_its_former_public_half_and_the_logs_key_is_never_changed() {
    let place = Place::new();
    let public = |name: &str| std::fs::read_to_string(place.keys().join(name)).unwrap();
    let before = public("sites/archive.pub");
    let (changed, said) = place.keys_command(&["rotate", "sites/archive"]);
    assert!(changed, "{said}");
    assert_eq!(public("sites/archive.former.pub"), before);
    assert_ne!(public("sites/archive.pub"), before);
    let (again, said) = place.run(&["init", "--config", &place.config]);
    assert!(again, "a changed pair is whole: {said}");
    for what in ["register", "id", "actor"] {
        let (changed, said) = place.keys_command(&["rotate", what]);
        assert!(!changed && said.contains("keys.never_changed"), "{said}");
    }
    let (changed, said) = place.keys_command(&["rotate", "sites/../administration"]);
    assert!(!changed && said.contains("keys.unknown"), "{said}");
}
