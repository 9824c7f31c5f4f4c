//! JSON that keeps every number: a fraction is a text, because reading one from JSON may be off by its last bit.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The JSON of a value, with each fraction `x` as the text `=x`.
pub(super) fn to_json<T: Serialize>(value: &T) -> Value {
    let mut json = serde_json::to_value(value).expect("checkpoints hold plain values");
    walk(&mut json, &|value| match value {
        Value::Number(number) if number.is_f64() => {
            *value = Value::String(format!("={}", number.as_f64().expect("it is an f64")));
        }
        Value::String(text) if text.starts_with('=') => text.insert(0, '='),
        _ => {}
    });
    json
}

/// The value of such JSON.
pub(super) fn from_json<T: DeserializeOwned>(mut json: Value) -> Result<T, String> {
    walk(&mut json, &|value| {
        if let Value::String(text) = value
            && let Some(rest) = text.strip_prefix('=')
        {
            *value = match rest.parse::<f64>() {
                Ok(number) if !rest.starts_with('=') => Value::from(number),
                _ => Value::from(rest),
            };
        }
    });
    serde_json::from_value(json).map_err(|error| error.to_string())
}

fn walk(value: &mut Value, change: &impl Fn(&mut Value)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, change)),
        Value::Object(fields) => fields.values_mut().for_each(|field| walk(field, change)),
        leaf => change(leaf),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_every_bit_and_every_text() {
        let mut rng = mtl_data::Rng::new(1);
        let numbers: Vec<f64> = (0..10_000).map(|_| f64::from_bits(rng.next_u64())).filter(|x| x.is_finite()).collect();
        let texts: Vec<String> = ["", "=", "==", "=1.5", "==1.5", "a=1"].map(str::to_owned).to_vec();
        let value = (numbers, texts, 7u64, Some(0.1), None::<f64>, 3.0);
        let text = to_json(&value).to_string();
        assert_eq!(
            from_json::<(Vec<f64>, Vec<String>, u64, Option<f64>, Option<f64>, f64)>(
                serde_json::from_str(&text).unwrap()
            ),
            Ok(value)
        );
    }
}
