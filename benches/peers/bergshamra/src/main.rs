//! Verifications per second of processor time with bergshamra. usage: FILE SIGNER.PEM

use bergshamra::{DsigContext, KeysManager, VerifyResult, verify};

fn processor_time() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse::<f64>().ok());
    nanoseconds.expect("a number") / 1e9
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let text = std::fs::read_to_string(arguments.next().expect("a file")).expect("a file");
    let pem = std::fs::read(arguments.next().expect("a certificate")).expect("a certificate");
    let mut keys = KeysManager::new();
    keys.add_key(bergshamra::keys::loader::load_x509_cert_pem(&pem).expect("a key"));
    let context = DsigContext::new(keys);
    let run = || match verify(&context, &text) {
        Ok(VerifyResult::Valid { .. }) => {}
        _ => panic!("not verified"),
    };
    run();
    let (began, mut done) = (processor_time(), 0.0);
    loop {
        run();
        done += 1.0;
        let took = processor_time() - began;
        if took >= 1.0 {
            println!("{:.1}", done / took);
            return;
        }
    }
}
