//! sqlite
pub struct SqliteSink;
impl SqliteSink {
    pub fn open(_: &std::path::Path, _: &crate::record::descriptor::Descriptor) -> Result<Self, super::SinkError> {
        todo!()
    }
}
impl super::Sink for SqliteSink {
    fn write(
        &self,
        _: std::sync::Arc<super::WriteBatch>,
        _: Vec<u32>,
    ) -> futures::future::BoxFuture<'_, Vec<Result<(), super::SinkError>>> {
        todo!()
    }
}
