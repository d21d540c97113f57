mod cassandra;
