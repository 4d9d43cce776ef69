// Overloaded: a visitor made of lambdas, one per alternative of a std::variant.
#pragma once

namespace posthaste {

template <class... Lambdas>
struct Overloaded : Lambdas... {
  using Lambdas::operator()...;
};
template <class... Lambdas>
Overloaded(Lambdas...) -> Overloaded<Lambdas...>;

}  // namespace posthaste
