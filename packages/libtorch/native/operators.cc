// LibTorch's operators, called through its dispatcher: each argument is turned into what the operator's own schema says it
// is, so that one function serves them all, with autograd and autocast, whatever the version.
#include "environment.h"

#include <ATen/core/List.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace {

using c10::IValue;
using c10::TypeKind;

[[noreturn]] void bad(const c10::Argument& argument, const std::string& expected) {
  throw ArgumentError("BAD_ARGUMENT", argument.name() + " is " + expected);
}

at::Scalar scalar_of(Napi::Value value, const c10::Argument& argument) {
  if (value.IsBoolean()) return at::Scalar(value.As<Napi::Boolean>().Value());
  if (value.IsBigInt()) {
    bool lossless = false;
    const int64_t integer = value.As<Napi::BigInt>().Int64Value(&lossless);
    if (!lossless) bad(argument, "an integer of 64 bits");
    return at::Scalar(integer);
  }
  if (!value.IsNumber()) bad(argument, "a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (number == std::floor(number) && std::abs(number) < 9007199254740992.0 && !(number == 0 && std::signbit(number)))
    return at::Scalar(static_cast<int64_t>(number));
  return at::Scalar(number);
}

IValue value_of(Environment& environment, Napi::Value value, const c10::TypePtr& type, const c10::Argument& argument);

IValue list_of(Environment& environment, Napi::Value value, const c10::TypePtr& element, const c10::Argument& argument) {
  const char* name = argument.name().c_str();
  const uint32_t length = length_of(value, name);
  const Napi::Object array = value.As<Napi::Object>();
  switch (element->kind()) {
    case TypeKind::TensorType: {
      c10::List<at::Tensor> list;
      list.reserve(length);
      for (uint32_t i = 0; i < length; i++) list.push_back(environment.tensor(array[i], name));
      return list;
    }
    case TypeKind::OptionalType: {
      c10::List<std::optional<at::Tensor>> list;
      for (uint32_t i = 0; i < length; i++) {
        const Napi::Value item = array[i];
        list.push_back(item.IsUndefined() || item.IsNull() ? std::optional<at::Tensor>()
                                                           : std::optional<at::Tensor>(environment.tensor(item, name)));
      }
      return list;
    }
    case TypeKind::IntType:
    case TypeKind::SymIntType: {
      const std::string& of = argument.name();
      const bool is_shape = of == "size" || of == "shape" || of == "repeats";
      return c10::List<int64_t>(is_shape ? sizes_of(value, name) : integers_of(value, name));
    }
    case TypeKind::FloatType: {
      c10::List<double> list;
      for (uint32_t i = 0; i < length; i++) {
        const Napi::Value item = array[i];
        if (!item.IsNumber()) bad(argument, "a list of numbers");
        list.push_back(item.As<Napi::Number>().DoubleValue());
      }
      return list;
    }
    case TypeKind::BoolType: {
      c10::List<bool> list;
      for (uint32_t i = 0; i < length; i++) {
        const Napi::Value item = array[i];
        if (!item.IsBoolean()) bad(argument, "a list of booleans");
        list.push_back(item.As<Napi::Boolean>().Value());
      }
      return list;
    }
    default:
      bad(argument, "of a type that is not supported: " + element->str());
  }
}

IValue value_of(Environment& environment, Napi::Value value, const c10::TypePtr& type, const c10::Argument& argument) {
  const char* name = argument.name().c_str();
  switch (type->kind()) {
    case TypeKind::OptionalType: {
      const auto element = type->expectRef<c10::OptionalType>().getElementType();
      // A type that is null was meant to be one.
      if (value.IsUndefined() || (value.IsNull() && element->kind() != TypeKind::ScalarTypeType)) return IValue();
      return value_of(environment, value, element, argument);
    }
    case TypeKind::TensorType:
      return environment.tensor(value, name);
    case TypeKind::ListType:
      return list_of(environment, value, type->expectRef<c10::ListType>().getElementType(), argument);
    case TypeKind::ScalarTypeType:
      return static_cast<int64_t>(dtype_of(value));
    case TypeKind::IntType:
    case TypeKind::SymIntType:
      return integer_of(value, name);
    case TypeKind::FloatType:
      if (!value.IsNumber()) bad(argument, "a number");
      return value.As<Napi::Number>().DoubleValue();
    case TypeKind::BoolType:
      if (!value.IsBoolean()) bad(argument, "true or false");
      return value.As<Napi::Boolean>().Value();
    case TypeKind::NumberType:
      return scalar_of(value, argument);
    case TypeKind::StringType:
      if (!value.IsString()) bad(argument, "a string");
      return value.As<Napi::String>().Utf8Value();
    case TypeKind::DeviceObjType:
      return device_of(value);
    case TypeKind::GeneratorType:
      return environment.generator(value, name);
    default:
      bad(argument, "of a type that is not supported: " + type->str());
  }
}

void describe(std::ostringstream& text, const IValue& value, const c10::TypePtr& type) {
  const auto kind = type->kind() == TypeKind::OptionalType ? type->expectRef<c10::OptionalType>().getElementType()->kind() : type->kind();
  if (kind == TypeKind::ScalarTypeType && value.isInt()) {
    text << dtype_name(static_cast<at::ScalarType>(value.toInt()));
  } else if (value.isDevice()) {
    text << value.toDevice().str();
  } else if (value.isTensor()) {
    text << description(value.toTensor());
  } else if (value.isTensorList()) {
    text << '[';
    const auto list = value.toTensorList();
    for (size_t i = 0; i < list.size() && i < 4; i++) text << (i > 0 ? ", " : "") << description(list.get(i));
    text << (list.size() > 4 ? ", …]" : "]");
  } else if (value.isIntList()) {
    const auto list = value.toIntVector();
    text << '[';
    for (size_t i = 0; i < list.size() && i < 16; i++) text << (i > 0 ? "," : "") << list[i];
    text << (list.size() > 16 ? ",…]" : "]");
  } else if (value.isInt()) {
    text << value.toInt();
  } else if (value.isDouble()) {
    text << value.toDouble();
  } else if (value.isBool()) {
    text << (value.toBool() ? "true" : "false");
  } else if (value.isString()) {
    text << value.toStringRef();
  } else if (value.isNone()) {
    text << "none";
  } else {
    text << value.tagKind();
  }
}

/** `matmul([2,3] float32, [4,5] float32)`; what was left out by the caller is left out here. */
std::string called(const c10::FunctionSchema& schema, const std::vector<IValue>& values, size_t given) {
  std::ostringstream text;
  const std::string& name = schema.name();
  text << (name.rfind("aten::", 0) == 0 ? name.substr(6) : name) << '(';
  for (size_t i = 0; i < values.size() && i < given; i++) {
    if (i > 0) text << ", ";
    describe(text, values[i], schema.arguments()[i].real_type());
  }
  text << ')';
  return text.str();
}

Napi::Value result_of(Napi::Env env, Environment& environment, IValue&& value) {
  if (value.isTensor()) {
    at::Tensor tensor = std::move(value).toTensor();
    if (!tensor.defined()) return env.Undefined();
    return environment.wrap(env, std::move(tensor));
  }
  if (value.isTensorList()) {
    const auto list = std::move(value).toTensorVector();
    Napi::Array array = Napi::Array::New(env, list.size());
    for (size_t i = 0; i < list.size(); i++) array.Set(static_cast<uint32_t>(i), environment.wrap(env, list[i]));
    return array;
  }
  if (value.isInt()) return Napi::Number::New(env, static_cast<double>(value.toInt()));
  if (value.isDouble()) return Napi::Number::New(env, value.toDouble());
  if (value.isBool()) return Napi::Boolean::New(env, value.toBool());
  if (value.isScalar()) {
    const at::Scalar scalar = value.toScalar();
    if (scalar.isBoolean()) return Napi::Boolean::New(env, scalar.toBool());
    if (scalar.isIntegral(false)) return Napi::BigInt::New(env, scalar.toLong());
    return Napi::Number::New(env, scalar.toDouble());
  }
  return env.Undefined();
}

/** The most tensors that one call returns: each takes some hundred bytes, whatever it shows. */
constexpr int64_t kMostTensors = 1 << 20;

/** How many tensors an operator that cuts one will return; 0 where it is no such one, or LibTorch will refuse. */
int64_t pieces(const c10::FunctionSchema& schema, const std::vector<IValue>& values) {
  const std::string& name = schema.name();
  const bool is_unbind = name == "aten::unbind";
  const bool is_split = name == "aten::split";
  if (!is_unbind && !is_split && name != "aten::chunk") return 0;
  const at::Tensor& cut = values.at(0).toTensor();
  int64_t dim = values.back().toInt();
  if (dim < 0) dim += cut.dim();
  if (dim < 0 || dim >= cut.dim()) return 0;
  const int64_t size = cut.size(dim);
  if (is_unbind) return size;
  const int64_t given = values.at(1).toInt();
  // Of nothing, as many pieces of nothing are made as are asked for.
  if (!is_split) return size == 0 ? given : std::min(given, size);
  return given < 1 ? 0 : (size + given - 1) / given;
}

/** `operator(name, overload)`: the number of an operator, to be given to `call`. */
Napi::Value find_operator(const Napi::CallbackInfo& info, Environment& environment) {
  const std::string name = "aten::" + info[0].As<Napi::String>().Utf8Value();
  const std::string overload = info[1].As<Napi::String>();
  const auto found = c10::Dispatcher::singleton().findSchema({name, overload});
  if (!found.has_value()) throw ArgumentError("UNSUPPORTED", "this LibTorch has no operator " + name + "." + overload);
  environment.operators.push_back(*found);
  return Napi::Number::New(info.Env(), static_cast<double>(environment.operators.size() - 1));
}

/** `call(operator, …arguments)`: what it returns; nothing where it changes its first argument. */
Napi::Value call(const Napi::CallbackInfo& info, Environment& environment) {
  Napi::Env env = info.Env();
  const auto at = static_cast<uint64_t>(integer_of(info[0], "operator"));
  if (at >= environment.operators.size()) throw ArgumentError("BAD_ARGUMENT", "there is no such operator");
  // A copy: reading the arguments may run JavaScript, which may look up further ones.
  const c10::OperatorHandle op = environment.operators[at];
  const c10::FunctionSchema& schema = op.schema();
  const auto& parameters = schema.arguments();
  std::vector<IValue> values;
  values.reserve(parameters.size());
  const size_t given = info.Length() - 1;
  try {
    for (size_t i = 0; i < parameters.size(); i++) {
      const c10::Argument& parameter = parameters[i];
      const Napi::Value value = i < given ? info[i + 1] : env.Undefined();
      if (value.IsUndefined()) {
        if (parameter.default_value().has_value()) {
          values.push_back(*parameter.default_value());
          continue;
        }
        if (parameter.real_type()->kind() != TypeKind::OptionalType) bad(parameter, "missing");
      }
      values.push_back(value_of(environment, value, parameter.real_type(), parameter));
    }
    if (const int64_t count = pieces(schema, values); count > kMostTensors) {
      throw ArgumentError("BAD_ARGUMENT", "these are " + std::to_string(count) + " tensors, and one call returns at most " +
                                              std::to_string(kMostTensors));
    }
    torch::jit::Stack stack(values);
    op.callBoxed(&stack);
    report_memory(env, environment);
    // Operators that change their first argument return it; the caller has a handle of it.
    if (schema.name().back() == '_' || stack.empty()) return env.Undefined();
    if (stack.size() == 1) return result_of(env, environment, std::move(stack[0]));
    Napi::Array results = Napi::Array::New(env, stack.size());
    for (size_t i = 0; i < stack.size(); i++) {
      results.Set(static_cast<uint32_t>(i), result_of(env, environment, std::move(stack[i])));
    }
    return results;
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    rethrow(env, called(schema, values, given));
  }
}

}  // namespace

void define_operators(Napi::Env env, Napi::Object exports) {
  exports["operator"] = guarded(env, "", find_operator);
  exports["call"] = guarded(env, "call", call);
}
