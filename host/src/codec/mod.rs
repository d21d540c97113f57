//! Bytes to columns by the plugin's declared fields.

pub mod registry;

#[derive(Debug, thiserror::Error)]
pub enum CodecError { #[error("x")] RegistryUnreachable(#[source] registry::RegistryError), #[error("y")] RegistryLogin(#[source] registry::RegistryError) }
pub struct Decoded { pub batch: crate::record::columns::Batch, pub rows: Vec<usize>, pub rejects: Vec<(usize, crate::record::reject::Reject)> }
pub struct Decoder;
impl Decoder { pub fn new(_: &[crate::record::descriptor::Input], _: Option<registry::Registry>) -> Self { todo!() } pub async fn decode(&self, _: &[crate::record::Record]) -> Result<Decoded, CodecError> { todo!() } }
