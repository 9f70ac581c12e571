#include "repoquake/io/config_tree.hpp"

#include <chrono>
#include <string>

#include <catch2/catch.hpp>

namespace io = repoquake::io;
using io::ConfigNode;
using io::Diagnostics;

namespace {

struct Parsed {
  Diagnostics diagnostics;
  std::optional<ConfigNode> tree;
};

Parsed parse(std::string_view text) {
  Parsed parsed;
  const int file = parsed.diagnostics.add_source("t.yaml", text);
  parsed.tree = io::parse_config(text, file, parsed.diagnostics);
  return parsed;
}

ConfigNode tree_of(std::string_view text) {
  auto parsed = parse(text);
  INFO(parsed.diagnostics.render());
  REQUIRE(parsed.tree);
  REQUIRE(parsed.diagnostics.empty());
  return *parsed.tree;
}

/// The complaints about a text, each on one line, without excerpts.
std::string complaints(std::string_view text) {
  std::string lines;
  for (const auto& entry : parse(text).diagnostics.sorted())
    lines += std::to_string(entry.mark.line) + ":" + std::to_string(entry.mark.column) + " " + entry.key + ": " +
             entry.reason + "\n";
  return lines;
}

std::string merged(std::string_view base, std::string_view over) {
  return io::to_yaml(io::merge(tree_of(base), tree_of(over)));
}

std::string set(std::string_view base, std::string_view setting) {
  auto tree = tree_of(base);
  Diagnostics diagnostics;
  const int file = diagnostics.add_source("--set", setting);
  io::apply_setting(tree, setting, file, 1, diagnostics);
  if (diagnostics.empty()) return io::to_yaml(tree);
  const auto entry = diagnostics.sorted().front();
  return std::to_string(entry.mark.column) + " " + entry.key + ": " + entry.reason;
}

}  // namespace

TEST_CASE("a tree keeps kinds, order, quotes and places") {
  const auto tree = tree_of("b: [1, \"2\"]\na:\n  c: x y\n  d:\n");
  REQUIRE(tree.is_map());
  REQUIRE(tree.entries.size() == 2);
  CHECK(tree.entries[0].key == "b");
  CHECK(tree.entries[0].value.items[1].quoted);
  const auto* c = tree.find_path("a.c");
  REQUIRE(c != nullptr);
  CHECK(c->text == "x y");
  CHECK(c->mark.line == 3);
  CHECK(c->mark.column == 6);
  CHECK(c->mark.width == 3);
  CHECK(tree.find_path("a.d")->is_null());
  CHECK(tree.find_path("a.e") == nullptr);
  CHECK(tree.find_path("b.c") == nullptr);
}

TEST_CASE("columns count characters, not bytes") {
  const auto tree = tree_of("{\"größe\": x, b: y}\n");
  CHECK(tree.find("b")->mark.column == 17);
}

TEST_CASE("CRLF and a byte order mark are accepted and move nothing") {
  const auto tree = tree_of(
      "\xEF\xBB\xBF"
      "a: 1\r\nb:\r\n  c: 2\r\n");
  CHECK(tree.find_path("a")->mark.column == 4);
  CHECK(tree.find_path("b.c")->text == "2");
  CHECK(tree.find_path("b.c")->mark.line == 3);
}

TEST_CASE("the traps of YAML are closed") {
  CHECK(complaints("a: 1\nb: 2\na: 3\n") == "3:1 a: duplicate key; it was first given in line 1\n");
  CHECK(complaints("x: {a: 1, a: 2}\n") == "1:11 x.a: duplicate key; it was first given in line 1\n");
  CHECK(complaints("x:\n  <<: {a: 1}\n") ==
        "2:3 x: merge keys (<<) are not part of the scenario language; use extends\n");
  CHECK(complaints("a: &x 1\nb: *x\n") ==
        "1:4 a: anchors and aliases (&name, *name) are not part of the scenario language\n"
        "2:4 b: anchors and aliases (&name, *name) are not part of the scenario language\n");
  CHECK(complaints("a: *nobody\n") ==
        "1:4 : anchors and aliases (&name, *name) are not part of the scenario language\n");
  CHECK(complaints("a: !!int 5\n") == "1:4 a: the tag !!int is not allowed; the only tag is !clear\n");
  CHECK(complaints("a: !include b.yaml\n") == "1:4 a: the tag !include is not allowed; the only tag is !clear\n");
  CHECK(complaints("a: !clear 5\n") == "1:4 a: only a list or a map can be cleared\n");
  CHECK(complaints("? [a]\n: b\n") == "1:3 : a key must be a word\n");
  CHECK(complaints(std::string(io::kMaxKeyLength, 'k') + ": 1\n").empty());
  CHECK(complaints("a:\n  " + std::string(io::kMaxKeyLength + 1, 'k') + ": 1\n") ==
        "2:3 a: a key is longer than 100 bytes\n");
  CHECK(io::is_valid_id(std::string(io::kMaxKeyLength, 'k')));
  CHECK_FALSE(io::is_valid_id(std::string(io::kMaxKeyLength + 1, 'k')));
  CHECK(complaints("a: 1\n---\nb: 2\n") == "2:1 : a second YAML document; a file holds one\n");
  CHECK(complaints("") == "1:1 : the file is empty\n");
  CHECK(complaints("# only this\n") == "1:1 : the file is empty\n");
  CHECK(complaints("null\n") == "1:1 : the file is empty\n");
  CHECK(complaints("a: [1\n").find("YAML syntax") != std::string::npos);
  CHECK(complaints("a:\n\tb: 1\n") == "2:1 : a tab in the indentation; indent with spaces\n");
  CHECK(complaints(std::string_view("a: x\0y\n", 7)) == "1:5 : a NUL byte: this is not a text file in UTF-8\n");
  CHECK(complaints("a: \x01\n") == "1:4 : a control character (byte 1): this is not a plain text file\n");
  CHECK(complaints("a: b\rc: d\n") == "1:5 : a control character (byte 13): this is not a plain text file\n");
}

TEST_CASE("what is not UTF-8 is refused with its line") {
  for (const std::string bad : {"\xE9", "\xC0\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\x80"})
    CHECK(complaints("a: 1\nb: " + bad + "\n").starts_with("2:4 : byte "));
  CHECK(complaints("a: \xE2\x82\xAC\xF0\x9F\x98\x80\n").empty());
}

TEST_CASE("depth, size and alias bombs are answered quickly") {
  const auto start = std::chrono::steady_clock::now();
  const auto repeated = [](std::string_view piece, std::size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += piece;
    return text;
  };
  CHECK(complaints(std::string(1000, '[')).find("nested deeper than 32 levels") != std::string::npos);
  CHECK(complaints(repeated("[", 200'000)).find("nested deeper than 32 levels") != std::string::npos);
  CHECK(complaints(repeated("{a: ", 200'000)).find("nested deeper than 32 levels") != std::string::npos);
  CHECK(complaints(repeated("- ", 200'000)).find("nested deeper than 32 levels") != std::string::npos);
  CHECK(complaints("a:\n" + repeated("  - x\n", 200'000)).find("more than 20000 values") != std::string::npos);
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string below = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + below + ", " + below + "]\n";
  }
  CHECK(complaints(bomb).find("anchors and aliases") != std::string::npos);
  // Generous, for sanitizers and busy machines; without the limits these run for minutes or run out of memory.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

TEST_CASE("exactly the allowed depth passes") {
  CHECK(complaints(std::string(32, '[') + std::string(32, ']')).empty());
  CHECK_FALSE(complaints(std::string(33, '[') + std::string(33, ']')).empty());
}

TEST_CASE("maps merge deep, other values replace") {
  CHECK(merged("a: {b: 1, c: {d: 2}}\ne: x\n", "a: {c: {d: 3, f: 4}}\ng: y\n") ==
        "a:\n  b: 1\n  c:\n    d: 3\n    f: 4\ne: x\ng: y\n");
  CHECK(merged("a: [1, 2]\n", "a: [3]\n") == "a: [3]\n");
  CHECK(merged("a: {b: 1}\n", "a: 2\n") == "a: 2\n");
  CHECK(merged("a: [{from: 1}]\n", "a: [{from: 2}]\n") == "a:\n  - from: 2\n");
}

TEST_CASE("lists whose items have an id merge by id") {
  CHECK(merged("s: [{id: a, x: 1, y: 2}, {id: b, x: 1}]\n", "s: [{id: b, x: 5}, {id: c, x: 6}, {id: a, y: 7}]\n") ==
        "s:\n  - id: a\n    x: 1\n    y: 7\n  - id: b\n    x: 5\n  - id: c\n    x: 6\n");
  CHECK(merged("s: [{id: a}]\n", "s: []\n") == "s: []\n");
  SECTION("an id given twice in one file stays twice") {
    const auto tree = io::merge(tree_of("s: [{id: a, x: 1}]\n"), tree_of("s: [{id: a, x: 2}, {id: a, x: 3}]\n"));
    CHECK(tree.find("s")->items.size() == 2);
  }
}

TEST_CASE("!clear empties, also through a further level") {
  CHECK(merged("s: [{id: a, x: 1}]\n", "s: !clear [{id: a, y: 2}]\n") == "s:\n  - id: a\n    y: 2\n");
  CHECK(merged("m: {a: 1}\n", "m: !clear {}\n") == "m: {}\n");
  const auto parent = io::merge(tree_of("s: !clear []\n"), tree_of("s: [{id: b}]\n"));
  CHECK(io::to_yaml(io::merge(tree_of("s: [{id: a}]\n"), parent)) == "s:\n  - id: b\n");
}

TEST_CASE("null removes") {
  CHECK(merged("a: {b: 1, c: 2}\n", "a: {b: null}\n") == "a:\n  c: 2\n");
  CHECK(merged("a: {b: 1}\n", "a:\n") == "{}\n");
  CHECK(merged("a: null\n", "a: {b: 1}\n") == "a:\n  b: 1\n");
}

TEST_CASE("another law or shape replaces, the same one merges") {
  CHECK(merged("size: {normal: {mean: 1, sd: 2}}\n", "size: {normal: {sd: 3}}\n") ==
        "size:\n  normal:\n    mean: 1\n    sd: 3\n");
  CHECK(merged("size: {normal: {mean: 1, sd: 2}}\n", "size: {uniform: {low: 3}}\n") ==
        "size:\n  uniform:\n    low: 3\n");
  CHECK(merged("size: 5\n", "size: {uniform: {low: 3}}\n") == "size:\n  uniform:\n    low: 3\n");
}

TEST_CASE("the merged tree knows where each value was set") {
  Diagnostics diagnostics;
  const std::string_view base = "m: {a: 1, b: 2}\ns: [{id: x, v: 1}]\n";
  const std::string_view over = "\nm: {b: 3}\n";
  const int first = diagnostics.add_source("base", base);
  const int second = diagnostics.add_source("over", over);
  const auto tree =
      io::merge(*io::parse_config(base, first, diagnostics), *io::parse_config(over, second, diagnostics));
  io::place_keys(tree, diagnostics);
  CHECK(diagnostics.find_place("m.a")->value.file == first);
  CHECK(diagnostics.find_place("m.b")->value.file == second);
  CHECK(diagnostics.find_place("m.b")->value.line == 2);
  CHECK(diagnostics.find_place("s.x.v")->value == diagnostics.find_place("s[0].v")->value);
  CHECK_FALSE(diagnostics.find_place("m.c"));
}

TEST_CASE("a setting reaches keys, ids and indices") {
  const std::string base = "m: {a: 1}\ns: [{id: x-1, v: 1}, {id: y, v: 2}]\nr: [{f: 1}, {f: 2}]\n";
  CHECK(set("m: {a: 1}\n", "m.a=95 bn USD") == "m:\n  a: 95 bn USD\n");
  CHECK(set("m: {a: 1}\n", "m.b.c=[1, 2]") == "m:\n  a: 1\n  b:\n    c: [1, 2]\n");
  CHECK(set("s: [{id: x-1, v: 1}]\n", "s.x-1.v={n: {m: 5 bp}}") ==
        "s:\n  - id: x-1\n    v:\n      n:\n        m: 5 bp\n");
  CHECK(set("r: [{f: 1}, {f: 2}]\n", "r[1].f = 5") == "r:\n  - f: 1\n  - f: 5\n");
  CHECK(set("m: {a: {b: 1}}\n", "m.a={c: 2}") == "m:\n  a:\n    c: 2\n");
  CHECK(set("m: {a: 1, b: 2}\n", "m.a=null") == "m:\n  b: 2\n");
  CHECK(set("s: [{id: x}, {id: y}]\n", "s.x=null") == "s:\n  - id: y\n");
  CHECK(set("t: a\n", "t=\"x = y: z\"") == "t: \"x = y: z\"\n");
}

TEST_CASE("a setting that cannot be made says why, at its column") {
  const std::string base = "m: {a: 1}\ns: [{id: tga, v: 1}]\nr: [{f: 1}]\n";
  CHECK(set(base, "nonsense").starts_with("1 : a setting is written KEY=VALUE"));
  CHECK(set(base, "=5").starts_with("1 : a setting is written KEY=VALUE"));
  CHECK(set(base, "m..a=5").starts_with("1 : a setting is written KEY=VALUE"));
  CHECK(set(base, "m.a=") == "1 m.a: has no value");
  CHECK(set(base, "m.a.b=5") == "5 m.a.b: m.a is a single value: it has no keys");
  CHECK(set(base, "s.tgaa.v=5") == "3 s.tgaa: no entry has this id; did you mean \"tga\"?");
  CHECK(set(base, "r.f=5") == "3 r.f: r is a list; name an entry as r[0]");
  CHECK(set(base, "r[1].f=5") == "2 r[1]: r has 1 entries, counted from [0]");
  CHECK(set(base, "m[0]=5") == "2 m[0]: m is not a list");
  CHECK(set(base, "m.a=[1").find("YAML syntax") != std::string::npos);
  CHECK(set(base, "m.a={b: 1, b: 2}").find("duplicate key") != std::string::npos);
}

TEST_CASE("a setting with + adds to a list, one with ~ takes a key away") {
  CHECK(set("r: [{f: 1}]\n", "+r={f: 2}") == "r:\n  - f: 1\n  - f: 2\n");
  CHECK(set("a: 1\n", "+m.r={f: 2}") == "a: 1\nm:\n  r:\n    - f: 2\n");  // made where there is none
  CHECK(set("s: [{id: x}]\n", "+s={id: y}") == "s:\n  - id: x\n  - id: y\n");
  CHECK(set("s: [{id: x}]\n", "+s={id: x}")
            .ends_with("s.x: an item with this id is there already; set its keys instead"));
  CHECK(set("m: 1\n", "+m=2") == "1 m: is not a list: + adds an item to a list; without + the value is set");
  CHECK(set("m: {a: 1, b: 2}\n", "~m.a") == "m:\n  b: 2\n");
  CHECK(set("s: [{id: x}, {id: y}]\n", "~s.x") == "s:\n  - id: y\n");
  CHECK(set("m: {amount: 1}\n", "~m.amuont").ends_with("there is no such key to remove; did you mean \"amount\"?"));
  CHECK(set("m: {a: 1}\n", "~m.a=1").find("~KEY removes") != std::string::npos);
}

TEST_CASE("YAML that is written reads back as the same tree") {
  const auto tree = tree_of(R"(
plain: 95 bn USD
list: [1, -2, 2.10 %, iorb + 15 bp]
quoted: ["a: b", "a #b", "", "null", "~", "true", "- x", " x", "x ", "[x]", "{x}", "a, b", "'", "\"", "\\", "x:", "&a", "*a", "!a", "%a", "@a", "`a", "|", ">", "?", "-", "---", "...", "#", "2019-09-16", "010", "\t\n", "größe €", "\x01\x7f"]
"odd: key": {"a b": 1x}
maps: [{id: a, deep: {b: [c, {d: e}]}}, [1, [2, {x: y}]], {}, []]
block: |
  two
  lines
empty: {}
)" + 1);
  const std::string text = io::to_yaml(tree);
  INFO(text);
  const auto again = tree_of(text);
  CHECK(io::same_tree(tree, again));
  CHECK(io::to_yaml(again) == text);
  CHECK(text.find("plain: 95 bn USD\n") == 0);
  CHECK(text.find("list: [1, -2, 2.10 %, iorb + 15 bp]\n") != std::string::npos);
  CHECK_FALSE(io::same_tree(tree, tree_of("plain: 95 bn USD\n")));
}

TEST_CASE("complaints are sorted, shown once, with an excerpt and a count") {
  Diagnostics d;
  const int file = d.add_source("a.yaml", "x: 1\n\ty: große 2\n");
  d.warning({.file = file, .line = 2, .column = 5, .width = 6}, "y", "odd");
  d.error({.file = file, .line = 1, .column = 4, .width = 1}, "x", "wrong", "write 2");
  d.error({.file = file, .line = 1, .column = 4, .width = 1}, "x", "wrong", "write 2");
  CHECK(d.render() ==
        "a.yaml:1:4: error: x: wrong\n"
        "    1 | x: 1\n"
        "      |    ^ write 2\n"
        "a.yaml:2:5: warning: y: odd\n"
        "    2 |  y: große 2\n"
        "      |     ^^^^^^\n"
        "1 error, 1 warning");
  CHECK(d.has_errors());
  CHECK(Diagnostics{}.render().empty());
}

TEST_CASE("an issue lands on its key or the closest ancestor") {
  Diagnostics d;
  const std::string_view text = "market:\n  need: hold\nshocks:\n  - {id: a, size: 5}\n";
  const int file = d.add_source("a.yaml", text);
  io::place_keys(*io::parse_config(text, file, d), d);
  const repoquake::Issue issues[] = {
      {"market.need", "r"}, {"market.trend_spread", "r"}, {"shocks.a.size.normal.mean", "r"}, {"series", "r"}};
  d.add(issues);
  std::string places;
  for (const auto& entry : d.sorted())
    places += std::to_string(entry.mark.line) + ":" + std::to_string(entry.mark.column) + " " + entry.key + "\n";
  CHECK(places == "1:1 market.trend_spread\n1:1 series\n2:9 market.need\n4:13 shocks.a.size.normal.mean\n");
}

TEST_CASE("a long line is cut around the caret") {
  Diagnostics d;
  const int file = d.add_source("a.yaml", std::string(5000, 'x'));
  d.error({.file = file, .line = 1, .column = 2500}, "", "wrong");
  const std::string text = d.render();
  CHECK(text.size() < 500);
  CHECK(text.find("1 | … xxx") != std::string::npos);
}

TEST_CASE("a nearest name is offered only when it is near") {
  const std::vector<std::string> names{"window", "repo_volume", "tga_usd_bn", "size"};
  CHECK(io::nearest_name("windw", names) == "window");
  CHECK(io::nearest_name("widnow", names) == "window");
  CHECK(io::nearest_name("repo-volume", names) == "repo_volume");
  CHECK(io::nearest_name("tga_bn_usd", names) == "tga_usd_bn");
  CHECK(io::nearest_name("Size", names) == "size");
  CHECK_FALSE(io::nearest_name("colour", names));
  CHECK_FALSE(io::nearest_name("x", names));
  CHECK_FALSE(io::nearest_name("", names));
}
