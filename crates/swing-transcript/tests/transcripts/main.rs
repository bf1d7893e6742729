//! The transcriptStore as its users see it, in one binary.

#[cfg(test)]
mod archiving;
#[cfg(test)]
mod common;
#[cfg(test)]
mod deletion;
#[cfg(test)]
mod disorder;
#[cfg(test)]
mod export;
#[cfg(test)]
mod held;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod import;
#[cfg(test)]
mod kept_cursors;
#[cfg(test)]
mod model;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod repair;
#[cfg(test)]
mod sequences;
#[cfg(test)]
mod spans;
#[cfg(test)]
mod two_writers;
#[cfg(test)]
mod verify;
