//! Which addresses may be reached: public ones, after names are resolved, so that a page can't lead a fetcher into
//! the network it runs in (server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Refuses private addresses. Also the resolver of the client, so that the address that was checked is the one that is
/// connected to.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Addresses that are allowed although they are private.
    allowed: Arc<Vec<SocketAddr>>,
}

impl Guard {
    /// A guard that also lets these addresses pass, written as `127.0.0.1:8080` in a URL.
    pub fn allowing(allowed: Vec<SocketAddr>) -> Guard {
        Guard {
            allowed: Arc::new(allowed),
        }
    }

    /// Checks what can be seen in the URL itself; names are checked when they are resolved.
    ///
    /// # Errors
    /// The URL is not http(s), holds credentials, or its address is private.
    pub fn check(&self, url: &Url) -> Result<(), String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("'{}:' is not fetched", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("an address with a password is not fetched".to_owned());
        }
        let host = url.host_str().ok_or("an address without a host is not fetched")?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let Ok(ip) = bare.parse::<IpAddr>() else {
            return Ok(());
        };
        let port = url.port_or_known_default().unwrap_or(0);
        if is_public(ip) || self.allowed.contains(&SocketAddr::new(ip, port)) {
            Ok(())
        } else {
            Err(format!("{host} is a private address and is not fetched"))
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            // One private address among several is enough: the site may be trying.
            if found.is_empty() || found.iter().any(|a| !is_public(a.ip())) {
                return Err(format!("{host} has a private address and is not fetched").into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address belongs to the public internet (IANA special-purpose registries, RFC 6890).
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b));
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    let v4 = |hi: u16, lo: u16| Ipv4Addr::from((u32::from(hi) << 16) | u32::from(lo));
    match s {
        // Addresses that stand for an IPv4 address: mapped, NAT64, 6to4.
        [0, 0, 0, 0, 0, 0xffff, hi, lo] | [0x64, 0xff9b, 0, 0, 0, 0, hi, lo] | [0x2002, hi, lo, ..] => {
            is_public_v4(v4(hi, lo))
        }
        // Teredo, documentation.
        [0x2001, 0, ..] | [0x2001, 0xdb8, ..] => false,
        // Global unicast is 2000::/3.
        _ => s[0] & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_refused_in_every_disguise() {
        let guard = Guard::allowing(vec!["127.0.0.1:81".parse().unwrap()]);
        let refused = [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://0/",
            "http://10.1.2.3/",
            "http://172.16.0.1/",
            "http://192.168.1.1/",
            "http://169.254.169.254/latest",
            "http://100.64.0.1/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[fe80::1]/",
            "http://[fc00::1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "file:///etc/passwd",
            "ftp://example.org/",
            "http://user:pw@93.184.216.34/",
            "http://198.18.0.1/",
            "http://127.0.0.1:82/",
        ];
        for url in refused {
            assert!(guard.check(&Url::parse(url).unwrap()).is_err(), "{url}");
        }
        for url in [
            "http://93.184.216.34/",
            "https://[2606:2800:220:1::1]/",
            "https://example.org/",
            "http://127.0.0.1:81/",
        ] {
            assert!(guard.check(&Url::parse(url).unwrap()).is_ok(), "{url}");
        }
    }

    #[tokio::test]
    async fn names_are_checked_when_they_are_resolved() {
        let name = "localhost".parse::<Name>().unwrap();
        let error = Guard::default().resolve(name).await.err().unwrap();
        assert!(error.to_string().contains("private"), "{error}");
    }
}
