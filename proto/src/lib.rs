//! The wire contract: dengbei/v1/*.proto, compiled without protoc.
