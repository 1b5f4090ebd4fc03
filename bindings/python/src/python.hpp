// SPDX-License-Identifier: Apache-2.0
//
// CPython's C API as the rest of the binding sees it, one spelling for 3.7 to 3.14, and the owner of a reference.
//
//   Ref name(PyObject_GetAttrString(object, "name"));
//   if (!name) PyErr_Clear();
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <frameobject.h>

#include <utility>

namespace ap::python {

// Owns one reference; drops it while an exception may be set, so nothing here runs user code on a path that has one.
class Ref {
 public:
  Ref() = default;
  explicit Ref(PyObject* owned) : object_(owned) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  Ref(const Ref&) = delete;
  Ref& operator=(const Ref&) = delete;
  ~Ref() { Py_XDECREF(object_); }

  static Ref borrow(PyObject* object) {
    Py_XINCREF(object);
    return Ref(object);
  }
  explicit operator bool() const { return object_ != nullptr; }
  PyObject* get() const { return object_; }
  PyObject* release() { return std::exchange(object_, nullptr); }

 private:
  PyObject* object_ = nullptr;
};

// Sets a pending exception aside while we look at Python objects, and puts it back.
class ErrorAside {
 public:
  ErrorAside() { PyErr_Fetch(&type_, &value_, &traceback_); }
  ~ErrorAside() { PyErr_Restore(type_, value_, traceback_); }
  ErrorAside(const ErrorAside&) = delete;
  ErrorAside& operator=(const ErrorAside&) = delete;

 private:
  PyObject *type_, *value_, *traceback_;
};

#if PY_VERSION_HEX < 0x03090000
inline PyCodeObject* frame_code(PyFrameObject* frame) {  // new reference
  Py_INCREF(frame->f_code);
  return frame->f_code;
}
inline PyFrameObject* frame_back(PyFrameObject* frame) {  // new reference or nullptr
  Py_XINCREF(frame->f_back);
  return frame->f_back;
}
#else
inline PyCodeObject* frame_code(PyFrameObject* frame) {
  return PyFrame_GetCode(frame);
}
inline PyFrameObject* frame_back(PyFrameObject* frame) {
  return PyFrame_GetBack(frame);
}
#endif

inline PyObject* code_name(PyCodeObject* code) {  // borrowed
#if PY_VERSION_HEX >= 0x030B0000
  return code->co_qualname;
#else
  return code->co_name;
#endif
}

inline bool in_main_interpreter() {
#if PY_VERSION_HEX >= 0x03090000
  return PyInterpreterState_Get() == PyInterpreterState_Main();
#else
  return PyThreadState_Get()->interp == PyInterpreterState_Main();
#endif
}

// Calls `each(code, line)` for the frames of this thread, innermost first, until it returns false. The code is
// borrowed.
template <typename F>
void for_each_frame(F each) {
  PyFrameObject* frame = PyEval_GetFrame();
  Py_XINCREF(frame);
  while (frame != nullptr) {
    PyCodeObject* code = frame_code(frame);
    const bool go_on = each(code, frame);
    Py_DECREF(code);
    PyFrameObject* back = go_on ? frame_back(frame) : nullptr;
    Py_DECREF(frame);
    frame = back;
  }
}

}  // namespace ap::python
