#pragma once
#include <pthread.h>

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>

namespace parley::plugin {

// Keeps the broker's loop turning while a large packet is on its way to a WebSocket client. With a libwebsockets older than 4.3 (Debian 12 has
// 4.1.6) Mosquitto writes 4 KiB of it in each turn and then waits for something to happen, for a tenth of a second where nothing does: 60 KB, a
// page of history, took 1.4 s. A signal that does nothing ends that wait.
// Made and called on the loop's thread. What is asked for is bounded: kMostTurns, so some 100 ms of turning.
class LoopNudge {
 public:
  static constexpr std::size_t kChunk = 4096;
  static constexpr std::size_t kMostTurns = 512;

  // Whether the broker's libwebsockets is one that needs this.
  static bool needed();

  // Takes over SIGURG, which by default does nothing, either. Where somebody else handles it, this does nothing.
  LoopNudge();
  ~LoopNudge();
  LoopNudge(const LoopNudge&) = delete;
  LoopNudge& operator=(const LoopNudge&) = delete;

  // A packet of so many bytes was given to a WebSocket client.
  void sending(std::size_t bytes);
  // The loop has turned.
  void turned();

 private:
  void run();

  const pthread_t loop_;
  bool ours_ = false;  // SIGURG
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::size_t turns_ = 0;  // still to come
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace parley::plugin
