mod cassandra;
mod cassandra_secure;
