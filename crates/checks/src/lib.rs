//! The four-property checks (四性检测): pure functions over a package.
