#include <algorithm>
#include <memory>
#include <ostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/dispatch.hpp"

namespace repoquake::cli {
namespace {

/// What a shell needs to know of a verb.
struct Verb {
  std::string name, help;
  std::vector<std::pair<std::string, std::string>> options;  ///< "--threads", what it does
};

std::string first_sentence(const std::string& text) {
  std::string line = text.substr(0, text.find_first_of(";\n"));
  std::ranges::replace_if(
      line, [](char c) { return c == '\'' || c == '"' || c == '[' || c == ']' || c == ':'; }, ' ');
  return line;
}

std::vector<Verb> verbs_of(const CLI::App& app) {
  std::vector<Verb> verbs;
  for (const auto* sub : app.get_subcommands({})) {
    Verb verb{sub->get_name(), first_sentence(sub->get_description()), {}};
    for (const auto* option : sub->get_options())
      for (const auto& name : option->get_lnames())
        verb.options.emplace_back("--" + name, first_sentence(option->get_description()));
    verbs.push_back(std::move(verb));
  }
  return verbs;
}

std::string joined(const std::vector<Verb>& verbs) {
  std::string text;
  for (const auto& verb : verbs) text += (text.empty() ? "" : " ") + verb.name;
  return text;
}

std::string options_of(const Verb& verb) {
  std::string text;
  for (const auto& [name, help] : verb.options) text += (text.empty() ? "" : " ") + name;
  return text;
}

void write_bash(const std::vector<Verb>& verbs, std::ostream& out) {
  out << "# bash completion of repoquake: source it, or put it into bash_completion.d\n"
         "_repoquake() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} options=\n"
         "  if ((COMP_CWORD == 1)); then\n"
      << fmt::format("    mapfile -t COMPREPLY < <(compgen -W '{} --help --version' -- \"$word\")\n", joined(verbs))
      << "    return\n  fi\n  case $verb in\n";
  for (const auto& verb : verbs) out << fmt::format("    {}) options='{}' ;;\n", verb.name, options_of(verb));
  out << "  esac\n"
         "  if [[ $word == -* ]]; then\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
         "  else\n"
         "    mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _repoquake repoquake\n";
}

void write_zsh(const std::vector<Verb>& verbs, std::ostream& out) {
  out << "#compdef repoquake\n# zsh completion of repoquake: put it into a folder of $fpath as _repoquake\n"
         "_repoquake() {\n  local -a verbs\n  verbs=(\n";
  for (const auto& verb : verbs) out << fmt::format("    '{}:{}'\n", verb.name, verb.help);
  out << "  )\n  if ((CURRENT == 2)); then\n    _describe verb verbs\n    return\n  fi\n  case $words[2] in\n";
  for (const auto& verb : verbs) {
    out << fmt::format("    {}) _arguments", verb.name);
    for (const auto& [name, help] : verb.options) out << fmt::format(" '*{}[{}]'", name, help);
    out << " '*:file:_files' ;;\n";
  }
  out << "  esac\n}\n_repoquake \"$@\"\n";
}

void write_fish(const std::vector<Verb>& verbs, std::ostream& out) {
  out << "# fish completion of repoquake: put it into ~/.config/fish/completions/repoquake.fish\n";
  for (const auto& verb : verbs) {
    out << fmt::format("complete -c repoquake -n __fish_use_subcommand -a {} -d '{}'\n", verb.name, verb.help);
    for (const auto& [name, help] : verb.options)
      out << fmt::format("complete -c repoquake -n '__fish_seen_subcommand_from {}' -l {} -d '{}'\n", verb.name,
                         name.substr(2), help);
  }
}

}  // namespace

void add_completions(CLI::App& app, const Command& command) {
  auto shell = std::make_shared<std::string>();
  auto* verb = app.add_subcommand("completions", "print the completion script of a shell");
  verb->add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  verb->callback([shell, command, &app] {
    const auto verbs = verbs_of(app);
    if (*shell == "bash") write_bash(verbs, command.out);
    if (*shell == "zsh") write_zsh(verbs, command.out);
    if (*shell == "fish") write_fish(verbs, command.out);
  });
}

}  // namespace repoquake::cli
