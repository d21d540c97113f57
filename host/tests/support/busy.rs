//! A Cassandra node that has no time: connections to it go on to a real node, and while it is told to be busy, every
//! statement that it is asked to run or to prepare is answered with the error of an overloaded node.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

/// Listens on the address of the node that stands behind it, on another port: what the node says of its own address, with
/// the port that was connected to, is this one again.
pub struct Busy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    node: SocketAddr,
    is_busy: AtomicBool,
    turned_away: AtomicU64,
}

impl Busy {
    pub fn before(node: &str) -> Self {
        let node = match node.parse::<SocketAddr>() {
            Ok(address) => address,
            Err(_) => SocketAddr::new(node.parse::<IpAddr>().expect("the address of a node"), 9042),
        };
        let listener = TcpListener::bind((node.ip(), 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            node,
            is_busy: AtomicBool::new(false),
            turned_away: AtomicU64::new(0),
        });
        let connections = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&connections);
                std::thread::spawn(move || shared.serve(client));
            }
        });
        Self { address, shared }
    }

    /// From now on nothing gets through.
    pub fn begin(&self) {
        self.shared.is_busy.store(true, Ordering::SeqCst);
    }

    /// From now on it is as the node that stands behind it.
    pub fn end(&self) {
        self.shared.is_busy.store(false, Ordering::SeqCst);
    }

    /// Statements that were not passed on.
    pub fn turned_away(&self) -> u64 {
        self.shared.turned_away.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn serve(&self, client: TcpStream) {
        let Ok(node) = TcpStream::connect(self.node) else {
            return;
        };
        let answers = Arc::new(Mutex::new(client.try_clone().unwrap()));
        let (from_node, to_client) = (node.try_clone().unwrap(), Arc::clone(&answers));
        std::thread::spawn(move || {
            let mut from_node = from_node;
            while let Ok(frame) = frame(&mut from_node) {
                if to_client.lock().write_all(&frame).is_err() {
                    break;
                }
            }
            let _ = to_client.lock().shutdown(Shutdown::Both);
        });
        let (mut client, mut to_node) = (client, &node);
        while let Ok(frame) = frame(&mut client) {
            let passed = match self.answer(&frame) {
                None => to_node.write_all(&frame),
                Some(answer) => answers.lock().write_all(&answer),
            };
            if passed.is_err() {
                break;
            }
        }
        let _ = node.shutdown(Shutdown::Both);
    }

    /// The answer to a statement that the node does not get to see.
    fn answer(&self, frame: &[u8]) -> Option<Vec<u8>> {
        // QUERY, PREPARE, EXECUTE, BATCH
        let is_statement = [0x07, 0x09, 0x0A, 0x0D].contains(&frame[4]);
        if !is_statement || !self.is_busy.load(Ordering::SeqCst) {
            return None;
        }
        self.turned_away.fetch_add(1, Ordering::SeqCst);
        let words = "Request breached global limit of requests";
        let mut body = 0x1001_u32.to_be_bytes().to_vec();
        body.extend(u16::try_from(words.len()).unwrap().to_be_bytes());
        body.extend(words.as_bytes());
        // The version of an answer, no flags, the stream of the request, ERROR.
        let mut answer = vec![0x80 | frame[0], 0, frame[2], frame[3], 0];
        answer.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        answer.extend(body);
        Some(answer)
    }
}

/// One frame of protocol version 4: nine bytes, the last four of which say how many follow.
fn frame(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 9];
    stream.read_exact(&mut frame)?;
    let length = u32::from_be_bytes(frame[5..].try_into().unwrap());
    frame.resize(9 + length as usize, 0);
    stream.read_exact(&mut frame[9..])?;
    Ok(frame)
}
