// SPDX-License-Identifier: MIT
#pragma once

#include <httplib.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sample {

// One route. `pattern` is its template, such as "/photos/{id}", and the value of the route label.
struct Route {
  using Handler =
      std::function<void(const httplib::Request&, httplib::Response&, std::string_view id)>;
  std::string method;
  std::string pattern;
  Handler handler;
};

// The routes of the server. Immutable once it serves.
class RouteTable {
 public:
  struct Match {
    const Route* route = nullptr;  // null: no route of that method
    std::string_view pattern;      // of any method; empty: an unknown path
    std::string_view id;           // refers to the path
  };

  void Add(std::string method, std::string pattern, Route::Handler handler) {
    routes_.push_back({std::move(method), std::move(pattern), std::move(handler)});
  }
  // HEAD is answered by the route of GET.
  Match Find(std::string_view method, std::string_view path) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace sample
