//! How the story is told on a terminal.

use super::setting::Setting;

/// A chapter.
pub fn chapter(title: &str) {
    println!("\n{title}\n{}", "─".repeat(title.chars().count()));
}

/// Something that was done and went as it should.
pub fn step(text: &str) {
    println!("  ✓ {text}");
}

/// Something that was refused, as it should be.
pub fn refused(text: &str) {
    println!("  ✕ {text}");
}

/// A particular of the line before.
pub fn detail(text: &str) {
    println!("      {text}");
}

/// What to look at next.
pub fn ended(setting: &Setting, running: bool) {
    let dir = setting.dir.display();
    let program = std::env::current_exe().unwrap_or_else(|_| "qoltanba".into());
    let program = program.display();
    chapter("What is left");
    println!("  Documents          {dir}/documents");
    println!("  Verify them        cd {dir} && {program} verify documents/licence.xml");
    println!("  The audit log      cd {dir} && {program} audit verify");
    if running {
        println!("  Pages              {}", setting.service);
        println!("  API description    {}/api/v1/openapi.json", setting.service);
        println!("\nThe service is running. Stop it with Ctrl-C.");
    }
}
