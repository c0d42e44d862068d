//! Server addresses: `http(s)://host[:port]/v1#name`.

use reqwest::Url;
use strawberry_core::ModelError;

/// Where a server is, and which of its models is wanted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Address {
    /// The API's base without a slash at the end, for example `http://127.0.0.1:8000/v1`.
    pub base: String,
    /// The model's name; `None` when the server is to say.
    pub model: Option<String>,
    /// Whether the connection is encrypted.
    pub https: bool,
    /// Whether the server is on this very machine, so that no proxy may be asked.
    pub loopback: bool,
}

impl Address {
    /// Reads an address. A missing path means `/v1`.
    pub fn parse(spec: &str) -> Result<Address, ModelError> {
        let wrong = |what: String| {
            ModelError::InvalidRequest(format!(
                "'{spec}' is no server address: {what}; write http(s)://host[:port]/v1#model"
            ))
        };
        let (address, model) = match spec.split_once('#') {
            Some((address, "")) => (address, None),
            Some((address, model)) => (address, Some(model.to_owned())),
            None => (spec, None),
        };
        let url = Url::parse(address.trim()).map_err(|e| wrong(e.to_string()))?;
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            other => return Err(wrong(format!("the scheme is '{other}'"))),
        };
        if url.query().is_some() {
            return Err(wrong("it has a query ('?')".into()));
        }
        let host = url
            .host_str()
            .ok_or_else(|| wrong("the host is missing".into()))?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let loopback =
            host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let mut base = url.as_str().trim_end_matches('/').to_owned();
        if url.path() == "/" {
            base.push_str("/v1");
        }
        Ok(Address {
            base,
            model,
            https,
            loopback,
        })
    }

    /// The base as it may be shown: without a user name and password.
    pub fn shown(&self) -> String {
        match Url::parse(&self.base) {
            Ok(mut url) => {
                // Fails only for addresses that can't hold credentials, which therefore hold none.
                let _ = url.set_username("");
                let _ = url.set_password(None);
                url.as_str().trim_end_matches('/').to_owned()
            }
            Err(_) => self.base.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_base_and_model() {
        let a = Address::parse("http://127.0.0.1:8000/v1/#org/name:tag").unwrap();
        assert_eq!(a.base, "http://127.0.0.1:8000/v1");
        assert_eq!(a.model.as_deref(), Some("org/name:tag"));
        assert!(a.loopback && !a.https);
        let a = Address::parse("https://api.example.org").unwrap();
        assert_eq!(
            (a.base.as_str(), a.model, a.https, a.loopback),
            ("https://api.example.org/v1", None, true, false)
        );
        assert!(Address::parse("http://[::1]:80/v1").unwrap().loopback);
    }

    #[test]
    fn credentials_are_not_shown() {
        let a = Address::parse("https://me:secret@example.org/v1").unwrap();
        assert_eq!(a.shown(), "https://example.org/v1");
    }

    #[test]
    fn says_what_is_wrong_with_an_address() {
        for (spec, part) in [
            ("ftp://host/v1", "scheme is 'ftp'"),
            ("http://", "empty host"),
            ("http://host/v1?x=1", "query"),
            ("nonsense", "relative URL"),
        ] {
            let message = Address::parse(spec).unwrap_err().to_string();
            assert!(message.contains(part) && message.contains(spec), "{message}");
        }
    }
}
