//! How a file goes to a reader and its inspection comes back, over one stream socket: a head of fixed length, with the
//! file itself beside it where it lies on disk, then the bytes; an answer is a length and an inspection as JSON.
//!
//! Both ends are the same program, so there are no versions. What a reader sends is not trusted: it is bounded and parsed.

use std::io::{self, IoSlice, IoSliceMut, Read, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;

use bytes::Bytes;
use dengbei_formats::content::{Collected, Inspection, Parts};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

const HEAD: usize = 40;
/// An inspection lists at most some hundred things.
const LONGEST_ANSWER: usize = 16 << 20;
/// Files that are sent as bytes; `formats` keeps no more of one in memory.
const LONGEST_PART: u64 = 64 << 20;
const ONE_FILE: usize = rustix::cmsg_space!(ScmRights(1));

/// Sends a file.
pub(crate) fn send(mut socket: &UnixStream, parts: &Parts) -> io::Result<()> {
    let ending = parts.ending.as_deref().unwrap_or_default().as_bytes();
    let ending = &ending[..ending.len().min(255)];
    let mut head = [0_u8; HEAD];
    head[0] = ending.len().try_into().unwrap_or(0);
    head[1] = u8::from(parts.file.is_some());
    head[8..16].copy_from_slice(&(parts.head.len() as u64).to_le_bytes());
    head[16..24].copy_from_slice(&(parts.tail.len() as u64).to_le_bytes());
    head[24..32].copy_from_slice(&parts.bytes.to_le_bytes());
    let mut space = [MaybeUninit::uninit(); ONE_FILE];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    let file: Vec<BorrowedFd<'_>> = parts.file.iter().map(|file| file.as_fd()).collect();
    if !file.is_empty() {
        beside.push(SendAncillaryMessage::ScmRights(&file));
    }
    let sent = rustix::net::sendmsg(socket, &[IoSlice::new(&head)], &mut beside, SendFlags::NOSIGNAL)?;
    socket.write_all(&head[sent..])?;
    for part in [ending, &parts.head[..], &parts.tail[..]] {
        socket.write_all(part)?;
    }
    Ok(())
}

/// Receives a file; none when the other end has closed.
pub(crate) fn receive(mut socket: &UnixStream) -> io::Result<Option<Collected>> {
    let mut head = [0_u8; HEAD];
    let mut space = [MaybeUninit::uninit(); ONE_FILE];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let got = rustix::net::recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut head)],
        &mut beside,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    if got.bytes == 0 {
        return Ok(None);
    }
    socket.read_exact(&mut head[got.bytes..])?;
    let file = beside.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut files) => files.next(),
        _ => None,
    });
    let number = |at: usize| head[at..at + 8].iter().rev().fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
    let ending = String::from_utf8(read(socket, u64::from(head[0]))?).map_err(io::Error::other)?;
    let parts = Parts {
        head: Bytes::from(read(socket, number(8))?),
        tail: Bytes::from(read(socket, number(16))?),
        bytes: number(24),
        file: file.map(Into::into),
        ending: Some(ending).filter(|ending| !ending.is_empty()),
    };
    if (head[1] == 1) != parts.file.is_some() {
        return Err(io::Error::other("the file did not come with its head"));
    }
    Ok(Some(Collected::new(parts)))
}

fn read(mut socket: &UnixStream, length: u64) -> io::Result<Vec<u8>> {
    if length > LONGEST_PART {
        return Err(io::Error::other("a part that is too long"));
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    socket.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Sends what reading brought: an inspection, or why the file could not be read from disk.
pub(crate) fn answer(mut socket: &UnixStream, result: &io::Result<Inspection>) -> io::Result<()> {
    let (is_read, body) = match result {
        Ok(inspection) => (1_u8, serde_json::to_vec(inspection)?),
        Err(error) => (0, error.to_string().into_bytes()),
    };
    let mut whole = Vec::with_capacity(body.len() + 5);
    whole.push(is_read);
    whole.extend(u32::try_from(body.len()).map_err(io::Error::other)?.to_le_bytes());
    whole.extend(body);
    socket.write_all(&whole)
}

/// Receives an answer from anything that gives its bytes; nothing else may follow it.
pub(crate) fn hear(from: impl Read) -> io::Result<io::Result<Inspection>> {
    let mut from = io::BufReader::new(from);
    let mut head = [0_u8; 5];
    from.read_exact(&mut head)?;
    let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
    if length > LONGEST_ANSWER {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    if head[0] == 0 {
        return Ok(Err(io::Error::other(String::from_utf8_lossy(&body).into_owned())));
    }
    serde_json::from_slice(&body).map(Ok).map_err(|_| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use dengbei_formats::content::Probe;
    use dengbei_formats::signature::Trust;

    use super::*;

    fn collected(name: &str, bytes: &[u8]) -> Collected {
        let mut probe = Probe::new().named(name);
        probe.update(bytes).unwrap();
        probe.collected()
    }

    #[test]
    fn a_file_travels_with_its_name_and_comes_back_as_an_inspection() {
        let (here, there) = UnixStream::pair().unwrap();
        let bytes = b"%PDF-1.4\n%%EOF\n".repeat(40);
        let told = collected("a.pdf", &bytes).inspect(&Trust::nobody());
        send(&here, &collected("a.pdf", &bytes).into_parts()).unwrap();
        let came = receive(&there).unwrap().unwrap();
        assert_eq!((came.format().to_string().as_str(), came.bytes()), ("pdf/1.4", 600));
        answer(&there, &Ok(came.inspect(&Trust::nobody()))).unwrap();
        assert_eq!(hear(&here).unwrap().unwrap(), told);
        drop(here);
        assert!(receive(&there).unwrap().is_none());
    }

    #[test]
    fn a_file_on_disk_travels_as_itself() {
        let (here, there) = UnixStream::pair().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"the whole file").unwrap();
        file.rewind().unwrap();
        let (head, tail) = (Bytes::from_static(b"the"), Bytes::from_static(b"file"));
        let parts = Parts { head, tail, bytes: 14, file: Some(file), ending: None };
        send(&here, &parts).unwrap();
        let mut came = receive(&there).unwrap().unwrap().into_parts();
        let mut text = String::new();
        came.file.take().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(
            (text.as_str(), &came.head[..], &came.tail[..]),
            ("the whole file", &b"the"[..], &b"file"[..])
        );
    }

    #[test]
    fn a_file_longer_than_the_socket_holds_arrives_whole() {
        let (here, there) = UnixStream::pair().unwrap();
        let parts = Parts {
            head: Bytes::from(vec![7; 3 << 20]),
            tail: Bytes::from(vec![8; 1 << 20]),
            bytes: 4 << 20,
            file: None,
            ending: Some("bin".to_owned()),
        };
        let sender = std::thread::spawn(move || send(&here, &parts).unwrap());
        let came = receive(&there).unwrap().unwrap().into_parts();
        sender.join().unwrap();
        assert!(came.head.len() == 3 << 20 && came.head.iter().all(|byte| *byte == 7));
        assert!(came.tail.len() == 1 << 20 && came.tail.iter().all(|byte| *byte == 8));
        assert_eq!(came.ending.as_deref(), Some("bin"));
    }

    #[test]
    fn an_answer_that_is_none_is_refused() {
        assert!(hear(&[1, 255, 255, 255, 255][..]).is_err());
        assert!(hear(&[1, 2, 0, 0, 0, b'{', b'}'][..]).is_err());
        assert!(hear(&[0, 2, 0, 0, 0, b'n', b'o'][..]).unwrap().is_err());
    }
}
