//! How a source behaves, as far as the modules above depend on it. None of them has to ask which source it is.

/// How a source behaves. Each source gives its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nature {
    /// Whether records keep coming until the run is stopped. A source that is not endless is read to its end, by one plugin,
    /// whatever is rejected.
    pub is_endless: bool,
    /// Whether a run goes on where the one before it was stopped. Without that each run reads everything again.
    pub resumes: bool,
}

impl Nature {
    /// Whether a run that is stopped early leaves its work undone: the next one begins it anew.
    pub fn starts_over(self) -> bool {
        !self.is_endless && !self.resumes
    }
}
