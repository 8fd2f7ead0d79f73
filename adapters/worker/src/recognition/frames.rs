//! Frames on a socket: four bytes of length, then JSON; an open file may go beside the length.

use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream as Blocking;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;

const LENGTH_BYTES: usize = 4;

/// Sends a frame and a file.
pub(super) async fn send_with_file(
    socket: &mut UnixStream,
    frame: &[u8],
    file: &File,
) -> io::Result<()> {
    let length = length_of(frame)?;
    let sent = socket
        .async_io(Interest::WRITABLE, || {
            let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
            let mut beside = SendAncillaryBuffer::new(&mut space);
            let files = [file.as_fd()];
            beside.push(SendAncillaryMessage::ScmRights(&files));
            let flags = SendFlags::NOSIGNAL;
            Ok(sendmsg(&*socket, &[IoSlice::new(&length)], &mut beside, flags)?)
        })
        .await?;
    socket.write_all(&length[sent..]).await?;
    socket.write_all(frame).await
}

/// Receives a frame of at most `max` bytes.
pub(super) async fn receive(socket: &mut UnixStream, max: usize) -> io::Result<Vec<u8>> {
    let mut length = [0; LENGTH_BYTES];
    socket.read_exact(&mut length).await?;
    let length = checked(length, max)?;
    // Memory is taken for what has come, not for what was announced.
    let mut frame = Vec::new();
    socket.take(length as u64).read_to_end(&mut frame).await?;
    match frame.len() == length {
        true => Ok(frame),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Waits for a frame and its file; `None`: the other side has hung up.
pub(super) fn wait_with_file(
    socket: &mut Blocking,
    max: usize,
) -> io::Result<Option<(Vec<u8>, File)>> {
    let mut length = [0; LENGTH_BYTES];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let mut into = [IoSliceMut::new(&mut length)];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = rustix::io::retry_on_intr(|| recvmsg(&*socket, &mut into, &mut beside, flags))?;
    if received.bytes == 0 {
        return Ok(None);
    }
    let file = beside.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut files) => files.next(),
        _ => None,
    });
    let file = file.ok_or_else(|| wrong("a task came without its file"))?;
    socket.read_exact(&mut length[received.bytes..])?;
    let mut frame = vec![0; checked(length, max)?];
    socket.read_exact(&mut frame)?;
    Ok(Some((frame, File::from(file))))
}

/// Sends a frame.
pub(super) fn answer(socket: &mut Blocking, frame: &[u8]) -> io::Result<()> {
    socket.write_all(&length_of(frame)?)?;
    socket.write_all(frame)
}

fn length_of(frame: &[u8]) -> io::Result<[u8; LENGTH_BYTES]> {
    let length = u32::try_from(frame.len()).map_err(|_| wrong("a frame is too long"))?;
    Ok(length.to_be_bytes())
}

fn checked(length: [u8; LENGTH_BYTES], max: usize) -> io::Result<usize> {
    let length = u32::from_be_bytes(length) as usize;
    match length <= max {
        true => Ok(length),
        false => Err(wrong("a frame is too long")),
    }
}

fn wrong(detail: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, detail)
}
