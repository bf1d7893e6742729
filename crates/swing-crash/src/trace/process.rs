//! Starting a program under trace and stopping it at its system calls.
#![expect(unsafe_code, reason = "ptrace is a C function")]

use std::collections::HashMap;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::ptr;

use anyhow::{Context as _, Result, bail};

use super::calls::{Call, Memory, Phase};

/// What to do about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Continue,
    /// Kill the program here, all its threads at once.
    Kill,
    /// Let the call fail with this error number, undone.
    Fail(i32),
}

/// How a traced program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Exited(i32),
    Killed(i32),
}

/// Where a thread is in a call.
struct InCall {
    call: Option<Call>,
    fail: Option<i32>,
}

fn request(kind: libc::c_uint, pid: i32, address: usize, data: usize) -> io::Result<()> {
    // SAFETY: the requests that come here read and write nothing of this process through their arguments.
    let answer = unsafe { libc::ptrace(kind, pid, address, data) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Runs a program to its end, asking `on_call` before and after every call that changes files. What the kernel answered
/// is given with the second. The thread that calls this must have no other children.
pub(crate) fn trace(command: &mut Command, mut on_call: impl FnMut(Phase, &Call, i64) -> Action) -> Result<Ended> {
    // SAFETY: between fork and exec this calls one system call and nothing else.
    unsafe {
        command.pre_exec(|| request(libc::PTRACE_TRACEME, 0, 0, 0));
    }
    let child = command.spawn().context("could not start the program to trace")?;
    let pid = i32::try_from(child.id())?;
    wait(pid).context("the program does not stop to be traced")?;
    let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_EXITKILL;
    request(libc::PTRACE_SETOPTIONS, pid, 0, usize::try_from(options)?).context("could not trace")?;
    request(libc::PTRACE_SYSCALL, pid, 0, 0)?;
    let memory = Memory::of(pid);
    let mut threads: HashMap<i32, InCall> = HashMap::new();
    loop {
        let (thread, status) = wait(-1).context("lost the traced program")?;
        if libc::WIFEXITED(status) {
            threads.remove(&thread);
            if thread == pid {
                return Ok(Ended::Exited(libc::WEXITSTATUS(status)));
            }
            continue;
        }
        if libc::WIFSIGNALED(status) {
            threads.remove(&thread);
            if thread == pid {
                return Ok(Ended::Killed(libc::WTERMSIG(status)));
            }
            continue;
        }
        let signal = libc::WSTOPSIG(status);
        let mut deliver = 0;
        if signal == libc::SIGTRAP | 0x80 {
            let action = at_call(thread, &memory, &mut threads, &mut on_call)?;
            if action == Action::Kill {
                // SAFETY: a system call with numbers for arguments.
                unsafe { libc::kill(pid, libc::SIGKILL) };
            }
        } else if signal != libc::SIGTRAP && signal != libc::SIGSTOP {
            deliver = usize::try_from(signal)?;
        }
        // It may have been killed just now; then there is nothing to continue, and the next wait says so.
        let _ = request(libc::PTRACE_SYSCALL, thread, 0, deliver);
    }
}

fn wait(pid: i32) -> io::Result<(i32, i32)> {
    let mut status = 0;
    loop {
        // SAFETY: the status is a place of ours.
        let thread = unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) };
        if thread >= 0 {
            return Ok((thread, status));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

fn at_call(
    thread: i32,
    memory: &Memory,
    threads: &mut HashMap<i32, InCall>,
    on_call: &mut impl FnMut(Phase, &Call, i64) -> Action,
) -> Result<Action> {
    // SAFETY: zeros are a value of this plain struct.
    let mut info: libc::ptrace_syscall_info = unsafe { std::mem::zeroed() };
    // SAFETY: of this request the kernel says that it writes at most so many bytes there.
    let answer = unsafe {
        libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, thread, size_of::<libc::ptrace_syscall_info>(), &raw mut info)
    };
    if answer < 0 {
        // Killed meanwhile.
        return Ok(Action::Continue);
    }
    match info.op {
        libc::PTRACE_SYSCALL_INFO_ENTRY => {
            // SAFETY: the kernel has just said which of the union it is.
            let entry = unsafe { info.u.entry };
            let call = memory.decode(entry.nr, entry.args);
            let action = call.as_ref().map_or(Action::Continue, |call| on_call(Phase::Before, call, 0));
            let fail = match action {
                Action::Fail(code) => {
                    registers::skip(thread)?;
                    Some(code)
                }
                _ => None,
            };
            threads.insert(thread, InCall { call, fail });
            Ok(action)
        }
        libc::PTRACE_SYSCALL_INFO_EXIT => {
            let Some(InCall { call, fail }) = threads.remove(&thread) else { return Ok(Action::Continue) };
            if let Some(code) = fail {
                registers::answer(thread, -i64::from(code))?;
                return Ok(Action::Continue);
            }
            // SAFETY: as above.
            let value = unsafe { info.u.exit }.sval;
            Ok(call.as_ref().map_or(Action::Continue, |call| on_call(Phase::After, call, value)))
        }
        _ => Ok(Action::Continue),
    }
}

/// Changing what a call does and answers, which is different on every processor.
#[cfg(target_arch = "x86_64")]
mod registers {
    use anyhow::Context as _;

    use super::{Result, bail, ptr};

    fn change(thread: i32, change: impl FnOnce(&mut libc::user_regs_struct)) -> Result<()> {
        // SAFETY: zeros are a value of this plain struct, which the kernel fills and reads.
        unsafe {
            let mut registers: libc::user_regs_struct = std::mem::zeroed();
            let null = ptr::null_mut::<libc::c_void>();
            if libc::ptrace(libc::PTRACE_GETREGS, thread, null, &raw mut registers) < 0 {
                bail!("could not read the registers of a traced program");
            }
            change(&mut registers);
            if libc::ptrace(libc::PTRACE_SETREGS, thread, null, &raw mut registers) < 0 {
                bail!("could not set the registers of a traced program");
            }
        }
        Ok(())
    }

    /// No call has this number, so the kernel does nothing.
    pub(super) fn skip(thread: i32) -> Result<()> {
        change(thread, |registers| registers.orig_rax = u64::MAX).context("to let a call fail")
    }

    pub(super) fn answer(thread: i32, value: i64) -> Result<()> {
        change(thread, |registers| registers.rax = value.cast_unsigned()).context("to let a call fail")
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod registers {
    use super::{Result, bail};

    pub(super) fn skip(_thread: i32) -> Result<()> {
        bail!("calls can be made to fail on x86-64 only")
    }

    pub(super) fn answer(_thread: i32, _value: i64) -> Result<()> {
        bail!("calls can be made to fail on x86-64 only")
    }
}
