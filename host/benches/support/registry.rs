//! A schema registry of one schema, over HTTP on this machine, so that the decoder is timed through its public interface.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use host::codec::registry::Registry;
use host::connection::RegistryConnection;

/// Answers for as long as the program runs. The decoder asks once.
pub fn registry(schema: &str) -> Registry {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let body = serde_json::json!({ "schema": schema }).to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a request");
            let _ = stream.read(&mut [0; 8192]).expect("a request");
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close", body.len());
            write!(stream, "{head}\r\n\r\n{body}").expect("the client listens");
        }
    });
    Registry::new(&RegistryConnection { url, auth: None }).expect("a URL")
}
