//! One connection: commands and answers that end in a zero byte, chunks with their length before them.

use std::io::{self, BufWriter, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::{Address, ScanError};

/// Longest answer: a file's number, a signature's name, a few words.
const MAX_ANSWER: usize = 4096;
/// Small files leave together.
const BUFFER: usize = 64 * 1024;

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

pub(crate) struct Wire {
    stream: BufWriter<Box<dyn Stream>>,
    // What was read and not yet taken.
    unread: Vec<u8>,
}

impl Wire {
    pub(crate) fn open(address: &Address, patience: Duration) -> Result<Self, ScanError> {
        let stream: Box<dyn Stream> = match address {
            Address::Tcp(host) => Box::new(tcp(host, patience)?),
            Address::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(patience))?;
                stream.set_write_timeout(Some(patience))?;
                Box::new(stream)
            }
        };
        Ok(Self { stream: BufWriter::with_capacity(BUFFER, stream), unread: Vec::new() })
    }

    /// Sends a command at the next flush.
    pub(crate) fn command(&mut self, name: &str) -> Result<(), ScanError> {
        Ok(write!(self.stream, "z{name}\0")?)
    }

    /// Sends a chunk at the next flush. An empty one ends the file.
    pub(crate) fn chunk(&mut self, bytes: &[u8]) -> Result<(), ScanError> {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        self.stream.write_all(&length.to_be_bytes())?;
        Ok(self.stream.write_all(bytes)?)
    }

    /// Sends what waits.
    pub(crate) fn flush(&mut self) -> Result<(), ScanError> {
        Ok(self.stream.flush()?)
    }

    /// Sends what waits and takes the next answer.
    pub(crate) fn reply(&mut self) -> Result<String, ScanError> {
        // clamd answers and closes while a file over its limit is still being sent: what it said counts, not that.
        let sent = self.flush();
        match (self.answer(), sent) {
            (Ok(answer), _) => Ok(answer),
            (Err(_), Err(error)) | (Err(error), Ok(())) => Err(error),
        }
    }

    fn answer(&mut self) -> Result<String, ScanError> {
        loop {
            if let Some(end) = self.unread.iter().position(|b| *b == 0) {
                let answer: Vec<u8> = self.unread.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&answer[..end]).into_owned());
            }
            if self.unread.len() > MAX_ANSWER {
                return Err(ScanError::Answer(String::from_utf8_lossy(&self.unread[..80]).into_owned()));
            }
            let mut buffer = [0; 1024];
            let read = self.stream.get_mut().read(&mut buffer)?;
            if read == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            self.unread.extend_from_slice(&buffer[..read]);
        }
    }
}

fn tcp(host: &str, patience: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in host.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, patience.min(Duration::from_secs(5))) {
            Ok(stream) => {
                stream.set_read_timeout(Some(patience))?;
                stream.set_write_timeout(Some(patience))?;
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
