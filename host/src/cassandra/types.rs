//! CQL's types and values as the driver has them. Other folders name them from here, so that none of them names the driver.

pub use scylla::cluster::metadata::{CollectionType, ColumnType, NativeType};
pub use scylla::value::CqlValue;
