#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "tools/parleyctl/format.h"
#include "tools/parleyctl/session.h"

namespace parley::ctl {

// What every command is given: where to write, how, and the connection, which is made when first asked for.
class Context {
 public:
  Context(std::ostream& out, std::ostream& err) : out(out), err(err) {}

  // Reads the configuration and connects, once.
  Outcome<Session*> session();
  Outcome<Json> call(const std::string& method, Json params);

  // One object: a JSON line, or "key  value" lines.
  void show(const Json& object);
  // Something done that has no result worth a table: `sentence` for people, `object` as a JSON line.
  void done(const Json& object, const std::string& sentence);
  void json_line(const Json& object);

  // Calls `method` page after page and `each` with every element of result[`list`]; the next page begins
  // after the last element's `name`.
  Outcome<> each_of(const std::string& method, Json params, const char* list, const char* name,
                    const std::function<void(const Json&)>& each);

  std::ostream& out;
  std::ostream& err;
  std::string config_path;
  bool json = false;
  std::chrono::milliseconds patience{
      0};                             // how long to wait for an answer at least; counts before the first call
  std::function<Outcome<>()> chosen;  // the command that was given

 private:
  std::unique_ptr<Session> session_;
};

}  // namespace parley::ctl
