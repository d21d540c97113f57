//! cassandra
pub mod config;
pub struct CassandraSink;
impl CassandraSink {
    pub async fn open(
        _: &config::Config,
        _: &str,
        _: &crate::record::descriptor::Descriptor,
    ) -> Result<Self, super::SinkError> {
        todo!()
    }
}
impl super::Sink for CassandraSink {
    fn write(
        &self,
        _: std::sync::Arc<super::WriteBatch>,
        _: Vec<u32>,
    ) -> futures::future::BoxFuture<'_, Vec<Result<(), super::SinkError>>> {
        todo!()
    }
}
