//! What the engine's process can no longer ask of the kernel, once all that it needs is open: to reach a network, to
//! run another program, to look into other processes. A refused call answers EPERM: a library may try it and go on.

use std::collections::BTreeMap;

use anyhow::Context;
use seccompiler::{
    apply_filter_all_threads, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp,
    SeccompCondition, SeccompFilter, SeccompRule,
};

/// Calls that make a socket; their first argument is its family.
const SOCKETS: [libc::c_long; 2] = [libc::SYS_socket, libc::SYS_socketpair];

/// Refused whatever their arguments.
const REFUSED: [libc::c_long; 25] = [
    // Other programs.
    libc::SYS_execve,
    libc::SYS_execveat,
    // Other processes, and what they have open.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // It makes sockets and opens files behind this filter.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Much of what the kernel is attacked with.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_personality,
    // Other views of the system.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_open_by_handle_at,
    libc::SYS_kexec_load,
];

/// The same calls once more, for 32-bit pointers on a 64-bit machine: those with numbers of their own.
#[cfg(target_arch = "x86_64")]
const X32: [libc::c_long; 6] = [520, 521, 539, 540, 545, 528];

/// The bit that says so.
#[cfg(target_arch = "x86_64")]
const X32_BIT: libc::c_long = 0x4000_0000;

/// Locks down every thread of this process, and all that come, for good.
///
/// # Errors
/// The system knows no such filter. Without it the engine does not serve.
pub fn lock_down() -> anyhow::Result<()> {
    let program = filter().context("the filter of system calls")?;
    apply_filter_all_threads(&program).context("the system does not filter system calls")
}

fn filter() -> anyhow::Result<BpfProgram> {
    let unix = u64::try_from(libc::AF_UNIX)?;
    let other = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, unix)?;
    let other = vec![SeccompRule::new(vec![other])?];
    let mut rules = BTreeMap::new();
    rules.extend(SOCKETS.map(|call| (call, other.clone())));
    rules.extend(REFUSED.map(|call| (call, Vec::new())));
    #[cfg(target_arch = "x86_64")]
    {
        let again = rules.clone().into_iter();
        let again: BTreeMap<_, _> = again.map(|(call, rule)| (call | X32_BIT, rule)).collect();
        rules.extend(again);
        rules.extend(X32.map(|call| (call | X32_BIT, Vec::new())));
    }
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(u32::try_from(libc::EPERM)?),
        std::env::consts::ARCH.try_into()?,
    )?;
    Ok(filter.try_into()?)
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read, Write};
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::UnixStream;
    use std::process::Command;
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    /// What a locked-down process finds refused. Run in a process of its own: there is no way back.
    #[test]
    #[ignore = "locks its whole process down: the test below runs it in a process of its own"]
    fn in_a_process_of_its_own() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let there = listener.local_addr().unwrap();
        let reach = move || {
            let refused =
                |error: std::io::Error| assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            refused(TcpStream::connect(there).unwrap_err());
            refused(TcpListener::bind("127.0.0.1:0").unwrap_err());
            refused(UdpSocket::bind("127.0.0.1:0").unwrap_err());
            refused(Command::new("/bin/true").status().unwrap_err());
            assert_eq!(nix::sys::ptrace::traceme(), Err(nix::errno::Errno::EPERM));
        };
        let (begin, begun) = channel::<()>();
        let earlier = thread::spawn(move || {
            begun.recv().unwrap();
            reach();
        });
        TcpStream::connect(there).unwrap();
        assert!(Command::new("/bin/true").status().unwrap().success());
        lock_down().unwrap();
        begin.send(()).unwrap();
        earlier.join().unwrap();
        reach();
        thread::spawn(reach).join().unwrap();
        let (mut one, mut other) = UnixStream::pair().unwrap();
        one.write_all(b"it").unwrap();
        let mut read = [0; 2];
        other.read_exact(&mut read).unwrap();
        println!("locked down");
    }

    #[test]
    fn no_network_no_program_no_other_process() {
        let name = "engine::lockdown::tests::in_a_process_of_its_own";
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--ignored", "--nocapture"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success(), "{child:?}");
        assert!(said.contains("locked down"), "{said}");
    }
}
