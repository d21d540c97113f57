//! print
pub struct PrintSink;
impl PrintSink {
    pub fn new(_: &crate::record::descriptor::Descriptor) -> Self {
        todo!()
    }
}
impl super::Sink for PrintSink {
    fn write(
        &self,
        _: std::sync::Arc<super::WriteBatch>,
        _: Vec<u32>,
    ) -> futures::future::BoxFuture<'_, Vec<Result<(), super::SinkError>>> {
        todo!()
    }
}
