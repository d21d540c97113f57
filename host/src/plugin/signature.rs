//! Checks who made a component: signatures over its bytes are checked before anything else is done with the bytes.
//!
//! A signature is OpenSSH's (`ssh-keygen -Y sign -n host-plugin -f KEY FILE` makes the same): armoured text with the
//! public key, and an ed25519 signature over the purpose `host-plugin` and the SHA-512 of the bytes. A file may hold
//! several, one after the other. See
//! <https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig>.

use std::fmt;

use ssh_key::public::KeyData;
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};

/// The purpose in a signature. A signature made for mail or for a commit has another one, and does not count.
pub const PURPOSE: &str = "host-plugin";

/// The end of one armoured signature.
const END: &str = "-----END SSH SIGNATURE-----";

/// The most signatures that one component may have: one for each of a few keys.
const MAX_SIGNATURES: usize = 16;

/// The public keys whose signatures are trusted.
#[derive(Debug, Clone)]
pub struct TrustedKeys(Vec<PublicKey>);

/// A key that signs.
pub struct SigningKey(PrivateKey);

/// The name of a key for people: the fingerprint that `ssh-keygen -l` shows (`SHA256:…`), and the key's comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyId {
    pub fingerprint: String,
    pub comment: String,
}

/// Why a component is not trusted. Each text begins with "it": the caller, who opened the file, names it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("it is not signed; it needs a signature by one of the trusted keys: {}", listed(.trusted))]
    Missing { trusted: Vec<KeyId> },
    #[error("its signature cannot be read: {cause}")]
    Unreadable { cause: ssh_key::Error },
    #[error("it has more than {MAX_SIGNATURES} signatures")]
    TooMany,
    #[error("it is signed with {}, which is not trusted; trusted are: {}", listed(.signed_with), listed(.trusted))]
    Untrusted {
        signed_with: Vec<KeyId>,
        trusted: Vec<KeyId>,
    },
    #[error("it is signed with {key} for the purpose `{purpose}`, not for `{PURPOSE}`")]
    OtherPurpose { key: KeyId, purpose: String },
    #[error("its signature with {key} does not fit it: the file was changed, or the signature belongs to another one")]
    Broken { key: KeyId },
}

/// What is wrong with a key, or with a list of keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("line {line} is not a public key: {cause}; write one key a line, as in `ssh-ed25519 AAAA… name`")]
    PublicKey { line: usize, cause: ssh_key::Error },
    #[error("line {line} is a key of the kind {kind}; plugins are signed with ed25519")]
    Kind { line: usize, kind: String },
    #[error("it has no key in it")]
    NoKey,
    #[error("it is not a private key in OpenSSH's form: {cause}")]
    PrivateKey { cause: ssh_key::Error },
    #[error("it is a key of the kind {kind}; plugins are signed with ed25519")]
    PrivateKind { kind: String },
    #[error(
        "it is protected by a passphrase; `ssh-keygen -Y sign -n {PURPOSE} -f KEY FILE` asks for it and makes the same signature"
    )]
    Encrypted,
    #[error("the system gives no random numbers, or signing failed: {cause}")]
    Crypto { cause: ssh_key::Error },
}

impl TrustedKeys {
    /// Reads a list with one public key a line, as in OpenSSH's `authorized_keys`. Blank lines and lines that begin
    /// with # are skipped.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let lines = (1..).zip(text.lines().map(str::trim));
        let keys = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let keys = keys.map(|(line, text)| {
            let key = PublicKey::from_openssh(text).map_err(|cause| KeyError::PublicKey { line, cause })?;
            match key.algorithm() {
                Algorithm::Ed25519 => Ok(key),
                other => Err(KeyError::Kind {
                    line,
                    kind: other.to_string(),
                }),
            }
        });
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(KeyError::NoKey);
        }
        Ok(Self(keys))
    }

    /// Checks that one of the signatures is a trusted key's over exactly these bytes, and returns that key.
    ///
    /// `signatures` is the text beside the component, or `None` if there is none.
    pub fn check(&self, component: &[u8], signatures: Option<&str>) -> Result<KeyId, SignatureError> {
        let signatures = parse(signatures.unwrap_or_default())?;
        if signatures.is_empty() {
            return Err(SignatureError::Missing { trusted: self.ids() });
        }
        let mut broken = None;
        for signature in &signatures {
            let Some(key) = self.0.iter().find(|key| key.key_data() == signature.public_key()) else {
                continue;
            };
            let id = KeyId::of(key);
            match key.verify(PURPOSE, component, signature) {
                Ok(()) => return Ok(id),
                Err(_) if signature.namespace() != PURPOSE => {
                    broken = Some(SignatureError::OtherPurpose {
                        key: id,
                        purpose: signature.namespace().to_owned(),
                    });
                }
                Err(_) => broken = Some(SignatureError::Broken { key: id }),
            }
        }
        Err(broken.unwrap_or_else(|| SignatureError::Untrusted {
            signed_with: signatures
                .iter()
                .map(|signature| KeyId::without_name(signature.public_key()))
                .collect(),
            trusted: self.ids(),
        }))
    }

    fn ids(&self) -> Vec<KeyId> {
        self.0.iter().map(KeyId::of).collect()
    }
}

/// Reads the armoured signatures in a text.
fn parse(text: &str) -> Result<Vec<SshSig>, SignatureError> {
    let mut signatures = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if signatures.len() == MAX_SIGNATURES {
            return Err(SignatureError::TooMany);
        }
        let end = rest.find(END).map_or(rest.len(), |at| at + END.len());
        let (one, after) = rest.split_at(end);
        signatures.push(SshSig::from_pem(one).map_err(|cause| SignatureError::Unreadable { cause })?);
        rest = after.trim_start();
    }
    Ok(signatures)
}

impl SigningKey {
    /// Makes a new key with this name.
    pub fn generate(name: &str) -> Result<Self, KeyError> {
        let key = PrivateKey::random(&mut ssh_key::rand_core::OsRng, Algorithm::Ed25519);
        let mut key = key.map_err(|cause| KeyError::Crypto { cause })?;
        key.set_comment(name);
        Ok(Self(key))
    }

    /// Reads a private key in OpenSSH's form, without a passphrase.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let key = PrivateKey::from_openssh(text).map_err(|cause| KeyError::PrivateKey { cause })?;
        if key.is_encrypted() {
            return Err(KeyError::Encrypted);
        }
        match key.algorithm() {
            Algorithm::Ed25519 => Ok(Self(key)),
            other => Err(KeyError::PrivateKind {
                kind: other.to_string(),
            }),
        }
    }

    /// The key's name for people.
    pub fn id(&self) -> KeyId {
        KeyId::of(self.0.public_key())
    }

    /// The text of the private key. Keep it where no other user can read it.
    pub fn secret_text(&self) -> Result<String, KeyError> {
        let text = self.0.to_openssh(LineEnding::LF);
        text.map(|text| text.to_string())
            .map_err(|cause| KeyError::Crypto { cause })
    }

    /// The public key as a line for a list of trusted keys.
    pub fn public_line(&self) -> Result<String, KeyError> {
        let line = self.0.public_key().to_openssh();
        line.map(|line| line + "\n").map_err(|cause| KeyError::Crypto { cause })
    }

    /// Signs a component and returns the armoured signature.
    pub fn sign(&self, component: &[u8]) -> Result<String, KeyError> {
        let signed = self.0.sign(PURPOSE, HashAlg::Sha512, component);
        signed
            .and_then(|signature| signature.to_pem(LineEnding::LF))
            .map(|text| if text.ends_with('\n') { text } else { text + "\n" })
            .map_err(|cause| KeyError::Crypto { cause })
    }
}

impl KeyId {
    fn of(key: &PublicKey) -> Self {
        Self {
            comment: key.comment().to_owned(),
            ..Self::without_name(key.key_data())
        }
    }

    fn without_name(key: &KeyData) -> Self {
        Self {
            fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
            comment: String::new(),
        }
    }
}

/// Shows `SHA256:… (release)`.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fingerprint)?;
        if self.comment.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", self.comment.escape_debug())
        }
    }
}

fn listed(keys: &[KeyId]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    // The signatures below were made by OpenSSH's ssh-keygen over these bytes.
    const COMPONENT: &[u8] = b"a component";
    const RELEASE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICDabOjiss9A5rMIVLRRwCekaAzsqOrfRRROkdJYuISC release\n";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN9on7UmcUVNoeqOX8l7uIUuhQ+hhoCQ1BF79RWQYJfP other\n";
    const SIGNATURE: &str = "-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgINps6OKyz0DmswhUtFHAJ6RoDO
yo6t9FFE6R0li4hIIAAAALaG9zdC1wbHVnaW4AAAAAAAAABnNoYTUxMgAAAFMAAAALc3No
LWVkMjU1MTkAAABA70CDQhBV4YV57d1+dkppDc1GBCf1fr4KYkK512b0TgHGlGZNjN22cg
+FSK9RFbCv/HreeC5Ecw5VfZv414WSAA==
-----END SSH SIGNATURE-----
";
    const FOR_A_FILE: &str = "-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgINps6OKyz0DmswhUtFHAJ6RoDO
yo6t9FFE6R0li4hIIAAAAEZmlsZQAAAAAAAAAGc2hhNTEyAAAAUwAAAAtzc2gtZWQyNTUx
OQAAAED+mhwkBxGKSYlA7M9SpREZTn7LG8IFqsJWbpptu1ahCVA+uVuX72HX5YqeLyBO87
4zYX1yF7aj36n2wpx5A3QP
-----END SSH SIGNATURE-----
";
    const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBP7Oz6mGNQXCJHbhS7ZZa/418XgWHCQaO86bB3ZpqL/Ht72MYpBW2wieNwgvWRYj3vd78DnI7ZYBK3eqfN7L+yk= ec";
    /// A key made for this test. Its passphrase is not known any more.
    const ENCRYPTED: &str = "-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABAxFYxe9h
3hd+EeLEttOZjFAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIFGxZS8qJqAPBQzh
M7qHjauuHotj+4ihvM7K2Utt03hfAAAAkGMk1erO/gO4e7u8rj73QNvWe56+Kq5rCJwuq1
DnMTn6Yczh4/Bry5YiM+7o7GvvJkWIwoBdKLRsqhRmtDPjWXthNj+Hk48D5QOK0cIhgI/8
NdGbzJHYogbtSMsT6Ta+Qi3XTHVvzu7z7W8d2XCfVZ9uwXUKfrXnGW0VWj1fGMZVBwuTq5
Ob4hPIiIDp3oYqVg==
-----END OPENSSH PRIVATE KEY-----
";
    const RELEASE_ID: &str = "SHA256:MyAuMxCOdXc5ohtt+tSrmp657aBM5OpTULuce5jQ5pM";

    fn keys(text: &str) -> TrustedKeys {
        TrustedKeys::parse(text).unwrap()
    }

    #[test]
    fn a_signature_by_ssh_keygen_is_believed() {
        let id = keys(&format!("# ours\n\n{OTHER}{RELEASE}"))
            .check(COMPONENT, Some(SIGNATURE))
            .unwrap();
        assert_eq!(id.to_string(), format!("{RELEASE_ID} (release)"));
    }

    #[test]
    fn another_byte_another_key_another_purpose_or_none_is_refused() {
        let ours = keys(RELEASE);
        let refused = |keys: &TrustedKeys, component: &[u8], signature: Option<&str>| {
            keys.check(component, signature).unwrap_err().to_string()
        };
        let changed = refused(&ours, b"a Component", Some(SIGNATURE));
        assert!(
            changed.contains(RELEASE_ID) && changed.contains("does not fit"),
            "{changed}"
        );
        let untrusted = refused(&keys(OTHER), COMPONENT, Some(SIGNATURE));
        assert!(
            untrusted.contains(&format!("signed with {RELEASE_ID}, which is not trusted"))
                && untrusted.ends_with("(other)"),
            "{untrusted}"
        );
        let purpose = refused(&ours, COMPONENT, Some(FOR_A_FILE));
        assert!(purpose.contains("for the purpose `file`"), "{purpose}");
        for none in [None, Some(""), Some(" \n")] {
            let missing = refused(&ours, COMPONENT, none);
            assert!(
                missing.contains("not signed") && missing.contains(RELEASE_ID),
                "{missing}"
            );
        }
        for rubbish in ["rubbish", &SIGNATURE[..200], &SIGNATURE.replace("U1NI", "AAAA")] {
            let unreadable = refused(&ours, COMPONENT, Some(rubbish));
            assert!(unreadable.contains("cannot be read"), "{unreadable}");
        }
        let many = SIGNATURE.repeat(MAX_SIGNATURES + 1);
        assert_eq!(
            refused(&keys(OTHER), COMPONENT, Some(&many)),
            SignatureError::TooMany.to_string()
        );
    }

    #[test]
    fn any_bit_of_signature_or_component_that_is_turned_is_noticed() {
        let key = SigningKey::generate("a").unwrap();
        let keys = keys(&key.public_line().unwrap());
        let signature = key.sign(COMPONENT).unwrap();
        keys.check(COMPONENT, Some(&signature)).unwrap();
        for bit in 0..COMPONENT.len() * 8 {
            let mut turned = COMPONENT.to_vec();
            turned[bit / 8] ^= 1 << (bit % 8);
            keys.check(&turned, Some(&signature)).unwrap_err();
        }
        // The body is base64 after the first line, which has 30 bytes. Some bits of the frame (version, lengths) mean
        // nothing. The signature itself is the last 64 bytes of 181, from the 157th character on.
        let body = 30..signature.find("\n-----END").unwrap();
        let characters = body.filter(|&at| signature.as_bytes()[at] != b'\n').skip(157);
        for at in characters {
            let mut turned = signature.clone().into_bytes();
            turned[at] = if turned[at] == b'A' { b'B' } else { b'A' };
            let turned = String::from_utf8(turned).unwrap();
            if let Ok(id) = keys.check(COMPONENT, Some(&turned)) {
                panic!("{id} at {at}: {turned}");
            }
        }
    }

    #[test]
    fn while_keys_are_exchanged_either_signature_will_do() {
        let (old, new) = (
            SigningKey::generate("old").unwrap(),
            SigningKey::generate("new").unwrap(),
        );
        let both = old.sign(COMPONENT).unwrap() + "\n" + &new.sign(COMPONENT).unwrap();
        for key in [&old, &new] {
            let id = keys(&key.public_line().unwrap()).check(COMPONENT, Some(&both)).unwrap();
            assert_eq!(id, key.id());
        }
        let error = keys(RELEASE).check(COMPONENT, Some(&both)).unwrap_err().to_string();
        assert!(
            error.contains(&old.id().fingerprint) && error.contains(&new.id().fingerprint),
            "{error}"
        );
    }

    #[test]
    fn a_key_is_read_back_and_a_passphrase_is_said() {
        let key = SigningKey::generate("release 2026").unwrap();
        let again = SigningKey::parse(&key.secret_text().unwrap()).unwrap();
        assert_eq!(again.id(), key.id());
        assert_eq!(again.id().comment, "release 2026");
        let error = |text: &str| SigningKey::parse(text).err().unwrap().to_string();
        assert!(error("no key").contains("not a private key"), "{}", error("no key"));
        assert!(
            error(ENCRYPTED).contains("ssh-keygen -Y sign -n host-plugin"),
            "{}",
            error(ENCRYPTED)
        );
    }

    #[test]
    fn a_list_that_is_none_is_refused_with_its_line() {
        let error = |text: &str| TrustedKeys::parse(text).unwrap_err().to_string();
        assert!(error("# nothing\n").contains("no key in it"));
        assert!(error(&format!("{RELEASE}rubbish\n")).contains("line 2 is not a public key"));
        assert!(error(ECDSA).contains("line 1"), "{}", error(ECDSA));
    }
}
