//! Parquet files, written column by column (Dremel shredding: Melnik et al. 2010, section 4).

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::Value;

use crate::error::SynthError;
use crate::export::views::Kind;

/// Rows in a row group.
const GROUP: usize = 20_000;

/// One column of values with its repetition and definition levels.
#[derive(Default)]
struct Leaf {
    values: Vec<Value>,
    repetition: Vec<i16>,
    definition: Vec<i16>,
}

/// The schema in Parquet's notation. All fields are required, so only lists have levels.
fn declare(name: &str, kind: &Kind, out: &mut String) {
    match kind {
        Kind::Text => out.push_str(&format!("required binary {name} (UTF8);\n")),
        Kind::Int => out.push_str(&format!("required int64 {name};\n")),
        Kind::Bool => out.push_str(&format!("required boolean {name};\n")),
        Kind::List(inner) => {
            out.push_str(&format!(
                "required group {name} (LIST) {{ repeated group list {{\n"
            ));
            declare("element", inner, out);
            out.push_str("} }\n");
        }
        Kind::Struct(fields) => {
            out.push_str(&format!("required group {name} {{\n"));
            for (field, kind) in fields {
                declare(field, kind, out);
            }
            out.push_str("}\n");
        }
    }
}

fn leaves(kind: &Kind) -> usize {
    match kind {
        Kind::List(inner) => leaves(inner),
        Kind::Struct(fields) => fields.iter().map(|(_, k)| leaves(k)).sum(),
        _ => 1,
    }
}

/// Spreads a value over the leaf columns from `at` on.
fn shred(value: &Value, kind: &Kind, levels: (i16, i16, i16), columns: &mut [Leaf], at: &mut usize) {
    let (repetition, definition, depth) = levels;
    match kind {
        Kind::Struct(fields) => {
            for (name, kind) in fields {
                shred(&value[*name], kind, levels, columns, at);
            }
        }
        Kind::List(inner) => {
            let start = *at;
            let items = value.as_array().map_or(&[][..], Vec::as_slice);
            for (i, item) in items.iter().enumerate() {
                *at = start;
                let repetition = if i == 0 { repetition } else { depth + 1 };
                shred(item, inner, (repetition, definition + 1, depth + 1), columns, at);
            }
            if items.is_empty() {
                for column in &mut columns[start..start + leaves(inner)] {
                    column.repetition.push(repetition);
                    column.definition.push(definition);
                }
            }
            *at = start + leaves(inner);
        }
        _ => {
            columns[*at].values.push(value.clone());
            columns[*at].repetition.push(repetition);
            columns[*at].definition.push(definition);
            *at += 1;
        }
    }
}

/// Writes rows to a Parquet file (Snappy), under a temporary name until it is complete.
pub fn write(columns: &[(&'static str, Kind)], rows: &[Value], path: &Path) -> Result<(), SynthError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    let partial = PathBuf::from(name);
    let file = File::create(&partial).map_err(SynthError::io(&partial))?;
    write_to(columns, rows, file).map_err(|e| SynthError::Io {
        path: partial.clone(),
        source: std::io::Error::other(e),
    })?;
    std::fs::rename(&partial, path).map_err(SynthError::io(path))
}

fn write_to(columns: &[(&'static str, Kind)], rows: &[Value], file: File) -> Result<(), ParquetError> {
    let mut schema = "message rows {\n".to_owned();
    for (name, kind) in columns {
        declare(name, kind, &mut schema);
    }
    schema.push('}');
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by("strawberry".to_owned())
        .build();
    let mut writer =
        SerializedFileWriter::new(file, Arc::new(parse_message_type(&schema)?), Arc::new(properties))?;
    let whole = Kind::Struct(columns.to_vec());
    for group in rows.chunks(GROUP) {
        let mut data: Vec<Leaf> = (0..leaves(&whole)).map(|_| Leaf::default()).collect();
        for row in group {
            shred(row, &whole, (0, 0, 0), &mut data, &mut 0);
        }
        let mut out = writer.next_row_group()?;
        let mut data = data.into_iter();
        while let (Some(mut column), Some(leaf)) = (out.next_column()?, data.next()) {
            let (d, r) = (Some(leaf.definition.as_slice()), Some(leaf.repetition.as_slice()));
            match column.untyped() {
                ColumnWriter::ByteArrayColumnWriter(w) => {
                    let values: Vec<ByteArray> = leaf
                        .values
                        .iter()
                        .map(|v| ByteArray::from(v.as_str().unwrap_or_default().as_bytes().to_vec()))
                        .collect();
                    w.write_batch(&values, d, r)?;
                }
                ColumnWriter::Int64ColumnWriter(w) => {
                    let values: Vec<i64> = leaf
                        .values
                        .iter()
                        .map(|v| v.as_i64().unwrap_or_default())
                        .collect();
                    w.write_batch(&values, d, r)?;
                }
                ColumnWriter::BoolColumnWriter(w) => {
                    let values: Vec<bool> = leaf
                        .values
                        .iter()
                        .map(|v| v.as_bool().unwrap_or_default())
                        .collect();
                    w.write_batch(&values, d, r)?;
                }
                _ => return Err(ParquetError::General("a column of an unexpected type".to_owned())),
            }
            column.close()?;
        }
        out.close()?;
    }
    writer.close()?;
    Ok(())
}
