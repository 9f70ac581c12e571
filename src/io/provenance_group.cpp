#include "io/provenance_group.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/cf_dataset.hpp"
#include "repoquake/io/output_file.hpp"

namespace repoquake::io {

void write_provenance(const Group& group, const Provenance& p, int threads, double seconds) {
  const Attributes about = group.attributes();
  about.set("instruction_set", p.instruction_set);
  about.set("host", p.host);
  about.set("threads", static_cast<std::int32_t>(threads));
  about.set("seconds", seconds);

  if (!p.command_line.empty()) {
    std::vector<std::int32_t> numbers(p.command_line.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int32_t>(i);
    const Dataset argument = group.create_dataset("argument", std::span<const std::int32_t>(numbers));
    describe(argument, "", "position on the command line");
    argument.make_scale("argument");
    write_texts(group, "command_line", p.command_line, argument, "the command as it was given");
  }
  write_pairs(group, "override", "option of the command line that changed the scenario", p.overrides);
  if (!p.inputs.empty()) {
    std::vector<std::string> roles;
    std::vector<std::string> paths;
    std::vector<std::string> digests;
    for (const Provenance::Input& input : p.inputs) {
      roles.push_back(input.role);
      paths.push_back(input.path);
      digests.push_back(input.sha256);
    }
    const Dataset role = write_text_scale(group, "input", roles, "what the file was read for");
    write_texts(group, "input_path", paths, role, "the file as named");
    write_texts(group, "input_sha256", digests, role, "SHA-256 of the file");
  }
  write_pairs(group, "build", "build fact", p.build);
}

void write_head(const Attributes& about, std::string_view format, std::string_view title, std::string_view name) {
  about.set("Conventions", "CF-1.10");
  about.set("format", format);
  about.set("title", title.empty() ? name : title);
  about.set("created", iso_now());
}

void write_study_head(const Attributes& about, const StudyHead& head, const Provenance& p) {
  write_head(about, "repoquake/result/" + std::to_string(kResultFormat), head.title, head.name);
  about.set("status", "incomplete");
  about.set("conditional", std::int32_t{head.is_conditional ? 1 : 0});
  about.set("scenario_name", head.name);
  about.set("scenario_sha256", p.scenario_sha256);
  about.set("seed", head.seed);
  about.set("rng", p.rng);
  about.set("n_paths", static_cast<std::int64_t>(head.n_paths));
  about.set("stop_reason", head.stop_reason);
  about.set("program_version", p.program_version);
  about.set("git_describe", p.git_describe);
}

}  // namespace repoquake::io
