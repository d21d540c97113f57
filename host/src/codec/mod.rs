//! Bytes to Arrow columns, by the fields that the plugin declares.
