//! dodb in a Cloudflare Worker: one Durable Object per database, R2 behind it. What the database
//! does is in the other crates; this one knows JavaScript and nothing else does.
