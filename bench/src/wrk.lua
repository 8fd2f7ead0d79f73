-- Walks a list of paths at random; prints one line of JSON at the end.
-- Arguments behind `--`: a file with one path a line, a seed, and an entity tag that the client has.

local requests = {}

function init(args)
  math.randomseed(tonumber(args[2]))
  local headers = args[3] and { ["If-None-Match"] = args[3] }
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", path, headers)
  end
end

function request()
  return requests[math.random(#requests)]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout + errors.status
  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"failed":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration, failed,
    latency:percentile(50), latency:percentile(99)))
end
