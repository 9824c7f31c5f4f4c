//! The page of a report: in a strict reading, and in a browser.

mod report {
    mod browser;
    mod document;
    mod samples;
}
