//! The commands of the README print the output shown there.

#[test]
fn the_readme_is_true() {
    trycmd::TestCases::new()
        .case("README.md")
        .env("COLUMNS", "100");
}
