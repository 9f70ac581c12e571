% octave-cli read_result.m RESULT: numbers of a result, one "name value" a line, read with the package netcdf.
% The package knows no texts of HDF5's variable length: names, units and titles are not to be had in Octave.
pkg load netcdf
file = argv(){end};
show = @(name, value) printf("%s %.17g\n", name, value);

fraction = ncread(file, "/stats/quantile");
quantile = ncread(file, "/stats/spread_quantile");     % Octave turns dimensions round: (time, quantile)
path = ncread(file, "/paths/spread");                  % (time, path)
flag_paths = ncread(file, "/stats/flag_paths");
show("days", rows(quantile));
show("quantiles", columns(quantile));
show("paths", columns(path));
show("peak_median", max(quantile(:, abs(fraction - 0.5) < 1e-9)));
show("path_mean", mean(double(path(:))));
show("last_of_path_1", path(end, 2));
show("missing", sum(isnan(ncread(file, "/paths/standing_repo_rate")(:))));
show("emergency_paths", flag_paths(4));                % the order of the flags is that of docs/result_file.md
show("flags", sum(double(ncread(file, "/summary/flags"))));
show("days_above", sum(double(ncread(file, "/summary/days_above")(:))));
