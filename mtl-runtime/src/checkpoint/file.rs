//! The file of a checkpoint: named arrays and one text in the safetensors format, with a checksum, written as a whole or not.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, View};

use crate::error::{Error, Result};

/// The key of the text among the file's metadata.
const TEXT: &str = "mtl";
/// The array that holds the checksum of all others and of the text.
const CHECKSUM: &str = "crc32";

/// A named array, row-major.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Array<'a> {
    pub shape: Vec<usize>,
    pub data: Data<'a>,
}

/// The numbers of an array.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data<'a> {
    F32(Cow<'a, [f32]>),
    U32(Cow<'a, [u32]>),
    U8(Cow<'a, [u8]>),
}

impl<'a> Array<'a> {
    pub fn f32(shape: Vec<usize>, data: impl Into<Cow<'a, [f32]>>) -> Self {
        Self { shape, data: Data::F32(data.into()) }
    }

    pub fn u32(data: impl Into<Cow<'a, [u32]>>) -> Self {
        let data = data.into();
        Self { shape: vec![data.len()], data: Data::U32(data) }
    }

    pub fn bytes(data: Vec<u8>) -> Self {
        Self { shape: vec![data.len()], data: Data::U8(data.into()) }
    }
}

impl View for &Array<'_> {
    fn dtype(&self) -> Dtype {
        match self.data {
            Data::F32(_) => Dtype::F32,
            Data::U32(_) => Dtype::U32,
            Data::U8(_) => Dtype::U8,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match &self.data {
            Data::F32(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Data::U32(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Data::U8(values) => Cow::Borrowed(values),
        }
    }

    fn data_len(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype().bitsize() / 8
    }
}

/// Writes a file beside `path`, forces it to disk and renames it: whatever happens, `path` is the old file or the new one.
pub(super) fn write(path: &Path, text: &str, arrays: &BTreeMap<String, Array<'_>>) -> Result<()> {
    let checksum = Array::u32(vec![checksum(text, arrays.iter().map(|(name, array)| (name.as_str(), array)))]);
    let all = arrays.iter().map(|(name, array)| (name.as_str(), array)).chain([(CHECKSUM, &checksum)]);
    // What a link names is replaced, and not the link; what is no file at all is left alone.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let before = fs::metadata(&target).ok();
    if before.as_ref().is_some_and(|before| !before.is_file()) {
        return Err(Error::checkpoint(path, "cannot be written: it is no ordinary file; name another"));
    }
    let unfinished = beside(&target);
    let written = (|| {
        let metadata = HashMap::from([(TEXT.to_owned(), text.to_owned())]);
        // An ordinary file first: the writer makes one that only its owner may read.
        let ordinary = File::create(&unfinished).and_then(|file| file.metadata()).map_err(|error| error.to_string())?;
        safetensors::serialize_to_file(all, Some(metadata), &unfinished).map_err(|error| error.to_string())?;
        let permissions = before.as_ref().unwrap_or(&ordinary).permissions();
        fs::set_permissions(&unfinished, permissions).map_err(|error| error.to_string())?;
        File::open(&unfinished).and_then(|file| file.sync_all()).map_err(|error| error.to_string())?;
        fs::rename(&unfinished, &target).map_err(|error| error.to_string())?;
        // The rename itself is on disk once the folder is; not every file system can do that.
        let _ = File::open(folder(&target)).and_then(|folder| folder.sync_all());
        Ok(())
    })();
    written.map_err(|error: String| {
        let _ = fs::remove_file(&unfinished);
        Error::checkpoint(path, format!("cannot be written: {error}"))
    })
}

/// Reads a file; a damaged one is an error.
pub(super) fn read(path: &Path) -> Result<(String, BTreeMap<String, Array<'static>>)> {
    let bytes = fs::read(path).map_err(|error| Error::checkpoint(path, format!("cannot be read: {error}")))?;
    let damaged = |what: String| {
        Error::checkpoint(
            path,
            format!("not a readable model file ({what}): it is damaged or cut short, or something else"),
        )
    };
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| damaged(error.to_string()))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(error.to_string()))?;
    let Some(text) = metadata.metadata().as_ref().and_then(|texts| texts.get(TEXT)) else {
        return Err(Error::checkpoint(path, "a safetensors file, but not one that training wrote"));
    };
    let mut arrays = BTreeMap::new();
    for (name, view) in file.iter() {
        let words = || view.data().chunks_exact(4).map(|word| [word[0], word[1], word[2], word[3]]);
        let data = match view.dtype() {
            Dtype::F32 => Data::F32(words().map(f32::from_le_bytes).collect()),
            Dtype::U32 => Data::U32(words().map(u32::from_le_bytes).collect()),
            Dtype::U8 => Data::U8(view.data().to_vec().into()),
            other => return Err(damaged(format!("array `{name}` is of type {other:?}"))),
        };
        arrays.insert(name.to_owned(), Array { shape: view.shape().to_vec(), data });
    }
    let stored = arrays.remove(CHECKSUM);
    let found = checksum(text, arrays.iter().map(|(name, array)| (name.as_str(), array)));
    if stored != Some(Array::u32(vec![found])) {
        return Err(damaged("its checksum is wrong".into()));
    }
    Ok((text.clone(), arrays))
}

fn checksum<'a>(text: &str, arrays: impl Iterator<Item = (&'a str, &'a Array<'a>)>) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(text.as_bytes());
    for (name, array) in arrays {
        hasher.update(format!("{name} {:?} {:?}", array.dtype(), array.shape).as_bytes());
        hasher.update(&array.data());
    }
    hasher.finalize()
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned());
    folder(path).join(format!(".{name}.unfinished"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrays() -> BTreeMap<String, Array<'static>> {
        BTreeMap::from([
            ("a.weight".to_owned(), Array::f32(vec![2, 3], vec![0.5, -1.0, f32::MIN_POSITIVE, 3.0, -0.0, 1e30])),
            ("b".to_owned(), Array::u32(vec![1, u32::MAX])),
            ("c".to_owned(), Array::bytes(b"hello".to_vec())),
            ("d".to_owned(), Array::f32(vec![0, 4], vec![])),
        ])
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("mtl-checkpoint-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn what_is_written_is_read_and_equal_content_gives_equal_bytes() {
        let folder = folder("round");
        let (one, two) = (folder.join("one"), folder.join("two"));
        write(&one, "{\"text\": 1}", &arrays()).unwrap();
        write(&two, "{\"text\": 1}", &arrays()).unwrap();
        assert_eq!(read(&one).unwrap(), ("{\"text\": 1}".to_owned(), arrays()));
        assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "nothing unfinished is left");
        let ordinary = folder.join("ordinary");
        fs::write(&ordinary, "").unwrap();
        assert_eq!(fs::metadata(&one).unwrap().permissions(), fs::metadata(&ordinary).unwrap().permissions());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn every_damage_is_found() {
        let folder = folder("damage");
        let path = folder.join("model");
        write(&path, "{\"text\": 1}", &arrays()).unwrap();
        let good = fs::read(&path).unwrap();
        for length in 0..good.len() {
            fs::write(&path, &good[..length]).unwrap();
            assert!(read(&path).is_err(), "cut to {length} bytes");
        }
        let whole = read_bytes(&path, &good).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            // Spaces that pad the header may become other blanks; everything that is read is the same then.
            assert!(read_bytes(&path, &bad).is_err_or_equal(&whole), "byte {at}");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    fn read_bytes(path: &Path, bytes: &[u8]) -> Result<(String, BTreeMap<String, Array<'static>>)> {
        fs::write(path, bytes).unwrap();
        read(path)
    }

    trait ErrOrEqual<T> {
        fn is_err_or_equal(&self, other: &T) -> bool;
    }

    impl<T: PartialEq> ErrOrEqual<T> for Result<T> {
        fn is_err_or_equal(&self, other: &T) -> bool {
            self.as_ref().map_or(true, |value| value == other)
        }
    }
}
