//! Blocks on standard input to f32 (little endian) on standard output: `dequant Q4_K < blocks > floats`.
use std::io::{self, Read, Write};

use strawberry_engine::quant::{DType, dequantize};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args()
        .nth(1)
        .ok_or("usage: dequant FORMAT < blocks > floats")?;
    let dtype = DType::from_name(&name).ok_or("unknown format")?;
    let mut data = Vec::new();
    io::stdin().lock().read_to_end(&mut data)?;
    let mut out = vec![0.0; data.len() / dtype.block_bytes() * dtype.block_size()];
    dequantize(dtype, &data, &mut out)?;
    let bytes: Vec<u8> = out.iter().flat_map(|value| value.to_le_bytes()).collect();
    io::stdout().lock().write_all(&bytes)?;
    Ok(())
}
