# Rscript read_result_rhdf5.R RESULT: numbers of a result, one "name value" a line, read with Bioconductor's package rhdf5.
suppressMessages(library(rhdf5))
show <- function(name, value) cat(name, if (is.character(value)) value else sprintf("%.17g", value), "\n")

file <- commandArgs(trailingOnly = TRUE)[1]
fraction <- h5read(file, "stats/quantile")
quantile <- h5read(file, "stats/spread_quantile")      # R turns dimensions round: (time, quantile)
path <- h5read(file, "paths/spread")                   # (time, path)
flag <- h5read(file, "stats/flag")
rate <- h5read(file, "paths/standing_repo_rate", read.attributes = TRUE)
show("days", dim(quantile)[1])
show("quantiles", dim(quantile)[2])
show("paths", dim(path)[2])
show("peak_median", max(quantile[, which(abs(fraction - 0.5) < 1e-9)]))
show("path_mean", mean(path))
show("last_of_path_1", path[dim(path)[1], 2])
show("missing", sum(rate == c(attr(rate, "_FillValue"))))  # rhdf5 leaves fill values as they are
show("emergency_paths", h5read(file, "stats/flag_paths")[flag == "emergency_operation"])
show("flags", sum(h5read(file, "summary/flags")))
show("days_above", sum(h5read(file, "summary/days_above")))
show("feature", h5read(file, "features/feature")[2])
show("title", h5readAttributes(file, "/")$title)
show("units", h5readAttributes(file, "stats/spread_mean")$units)
show("first_day", h5readAttributes(file, "stats/time")$units)
