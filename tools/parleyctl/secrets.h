#pragma once
#include <string>

#include "tools/parleyctl/outcome.h"

namespace parley::ctl {

// Where a password comes from; never from the command line, where every user of the machine could read it.
struct SecretSource {
  bool from_stdin = false;  // the first line of stdin
  std::string file;         // trimmed of one trailing newline; must not be readable by others
};

// The password, asked for without echo (twice when `confirm`) if neither source is given and there is a
// terminal. Exit::usage when there is none, the two differ, or it is empty.
Outcome<std::string> read_secret(const SecretSource& source, const std::string& prompt, bool confirm);

// Is there a terminal to ask on?
bool have_terminal();

// Asks a yes/no question on the terminal; false without one.
bool confirmed(const std::string& question);

}  // namespace parley::ctl
