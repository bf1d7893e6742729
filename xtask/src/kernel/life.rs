//! One side's life: processes with their folder, and what they left there.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use serde_json::Value;

/// So many lines of a failed process's output are shown.
const LAST_LINES: usize = 40;

/// A kernel on one store.
pub(crate) struct Side {
    pub(crate) name: &'static str,
    /// Where the scripts are.
    pub(crate) scripts: PathBuf,
    pub(crate) folder: PathBuf,
    /// The package; without one the reference in its own place.
    pub(crate) package: Option<PathBuf>,
    pub(crate) wrong: Option<&'static str>,
}

/// A process of a side that is running.
pub(crate) struct Running<'a> {
    side: &'a Side,
    script: &'static str,
    child: Child,
}

impl Side {
    pub(crate) fn make(&self) -> Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        Ok(fs::create_dir_all(&self.folder)?)
    }

    /// Starts a script with this side's store; what it prints goes to a file.
    pub(crate) fn start(&self, script: &'static str, args: &[&str]) -> Result<Running<'_>> {
        let output = fs::File::create(self.output(script))?.into_parts().0;
        let mut command = Command::new("node");
        command.args(["--import", "./redirect.mjs", script]).arg(&self.folder).args(args).current_dir(&self.scripts);
        for (name, value) in [("STORE_PACKAGE", self.package.as_deref()), ("STORE_WRONG", self.wrong.map(Path::new))] {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdin(Stdio::null()).stderr(output.try_clone()?).stdout(output);
        let child = command.spawn().context("node could not be started")?;
        Ok(Running { side: self, script, child })
    }

    /// The rows of its store.
    pub(crate) fn rows(&self) -> Result<Value> {
        let mut command = Command::new("node");
        let output = crate::shell::output(command.arg("rows.mjs").arg(self.store()).current_dir(&self.scripts))?;
        Ok(serde_json::from_str(&output)?)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Takes a copy of the store that the other side wrote.
    pub(crate) fn take(&self, other: &Self) -> Result<()> {
        let to = self.folder.join("other");
        fs::create_dir_all(&to)?;
        for entry in fs::read_dir(other.store())? {
            let entry = entry?;
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
        Ok(())
    }

    fn output(&self, script: &str) -> PathBuf {
        self.folder.join(format!("{script}.txt"))
    }
}

impl Running<'_> {
    pub(crate) fn finish(mut self) -> Result<()> {
        let status = self.child.wait()?;
        if !status.success() {
            let output = fs::read(self.side.output(self.script))?;
            let text = String::from_utf8_lossy(&output);
            let lines: Vec<_> = text.lines().collect();
            let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
            bail!("{} of {} failed ({status}):\n{last}", self.script, self.side.name);
        }
        Ok(())
    }
}
