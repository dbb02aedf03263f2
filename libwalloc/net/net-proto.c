/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The only file that knows protobuf: parses the model and answers questions
 * about attributes. */
#include "net/net-private.h"
#include "net/net-proto.h"

#include <string.h>

/* Messages inside messages: a graph's attribute's tensor needs 5. Bounded
 * because protobuf-c recurses and would overflow the stack. */
#define MAX_DEPTH 16

static void *
pb_alloc (void *user, size_t size)
{
  return walloc_mem_alloc (user, 1, size ? size : 1);
}

static void
pb_free (void *user, void *block)
{
  walloc_mem_free (user, block);
}

static bool
read_varint (const uint8_t ** p, const uint8_t * end, uint64_t * value)
{
  unsigned shift;

  *value = 0;
  for (shift = 0; shift < 70; shift += 7) {
    if (*p == end)
      return false;
    *value |= (uint64_t) (**p & 0x7f) << (shift < 64 ? shift : 63);
    if (!(*(*p)++ & 0x80))
      return true;
  }
  return false;
}

/* Walks fields without building anything. */
static bool
depth_is_fine (const ProtobufCMessageDescriptor * type, const uint8_t * p,
    const uint8_t * end, unsigned depth)
{
  const ProtobufCFieldDescriptor *field;
  uint64_t tag, length;

  if (depth > MAX_DEPTH)
    return false;
  while (p < end) {
    if (!read_varint (&p, end, &tag))
      return false;
    switch (tag & 7) {
      case 0:
        if (!read_varint (&p, end, &length))
          return false;
        break;
      case 1:
        if (end - p < 8)
          return false;
        p += 8;
        break;
      case 2:
        if (!read_varint (&p, end, &length) || length > (size_t) (end - p))
          return false;
        field = tag >> 3 > UINT32_MAX ? NULL :
            protobuf_c_message_descriptor_get_field (type,
            (unsigned) (tag >> 3));
        if (field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE
            && !depth_is_fine (field->descriptor, p, p + length, depth + 1))
          return false;
        p += length;
        break;
      case 5:
        if (end - p < 4)
          return false;
        p += 4;
        break;
      default:
        return false;
    }
  }
  return true;
}

static float
half_to_float (unsigned h)
{
  unsigned exponent = h >> 10 & 31, mantissa = h & 1023;
  float value;

  if (exponent == 0)
    value = (float) mantissa *0x1p-24f;
  else if (exponent == 31)
    value = mantissa ? __builtin_nanf ("") : __builtin_inff ();
  else {
    uint32_t bits = (exponent + 112) << 23 | mantissa << 13;

    memcpy (&value, &bits, 4);
  }
  return h & 0x8000 ? -value : value;
}

static uint64_t
get_le (const uint8_t * p, unsigned size)
{
  uint64_t v = 0;

  while (size-- > 0)
    v = v << 8 | p[size];
  return v;
}

/* How a data type is stored: bytes, and what it becomes. */
static bool
type_info (int type, unsigned *size, net_type * to)
{
  *to = NET_I64;
  switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
      *to = NET_F32;
      *size = 4;
      return true;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
      *to = NET_F32;
      *size = 8;
      return true;
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16:
      *to = NET_F32;
      *size = 2;
      return true;
    case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL:
      *to = NET_BOOL;
      *size = 1;
      return true;
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
      *size = 1;
      return true;
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT16:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT16:
      *size = 2;
      return true;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT32:
      *size = 4;
      return true;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT64:
      *size = 8;
      return true;
    default:
      return false;
  }
}

net_type
net_type_of (int onnx_type, bool *known)
{
  net_type type = NET_F32;
  unsigned size;

  *known = type_info (onnx_type, &size, &type);
  return type;
}

/* Element i, as bits of its own width. */
static uint64_t
tensor_bits (const Onnx__TensorProto * t, unsigned size, size_t i)
{
  uint64_t bits = 0;

  if (t->has_raw_data)
    return get_le (t->raw_data.data + i * size, size);
  switch (t->data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
    {
      uint32_t word;

      memcpy (&word, t->float_data + i, 4);
      return word;
    }
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
      memcpy (&bits, t->double_data + i, 8);
      return bits;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
      return (uint64_t) t->int64_data[i];
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT32:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT64:
      return t->uint64_data[i];
    default:
      return (uint64_t) (int64_t) t->int32_data[i];
  }
}

static size_t
typed_count (const Onnx__TensorProto * t)
{
  switch (t->data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
      return t->n_float_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
      return t->n_double_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
      return t->n_int64_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT32:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT64:
      return t->n_uint64_data;
    default:
      return t->n_int32_data;
  }
}

static void
convert (const Onnx__TensorProto * t, unsigned size, const net_const * c)
{
  size_t i;
  uint64_t bits;
  uint32_t word;
  double d;
  float *f = c->data;
  int64_t *n = c->data;

  for (i = 0; i < c->count; i++) {
    bits = tensor_bits (t, size, i);
    switch (t->data_type) {
      case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
        word = (uint32_t) bits;
        memcpy (f + i, &word, 4);
        break;
      case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16:
        word = (uint32_t) bits << 16;
        memcpy (f + i, &word, 4);
        break;
      case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
        f[i] = half_to_float ((unsigned) bits);
        break;
      case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        memcpy (&d, &bits, 8);
        f[i] = (float) d;
        break;
      case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL:
        f[i] = (bits & 255) != 0;
        break;
      case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
        n[i] = (int8_t) bits;
        break;
      case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8:
        n[i] = (uint8_t) bits;
        break;
      case ONNX__TENSOR_PROTO__DATA_TYPE__INT16:
        n[i] = (int16_t) bits;
        break;
      case ONNX__TENSOR_PROTO__DATA_TYPE__UINT16:
        n[i] = (uint16_t) bits;
        break;
      case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
        n[i] = (int32_t) bits;
        break;
      default:
        n[i] = (int64_t) bits;
    }
  }
}

walloc_result
net_proto_tensor (walloc_net * net, const Onnx__TensorProto * t,
    const char *name, bool in_plan, net_const * c, walloc_error * error)
{
  unsigned i, size = 0;
  size_t bytes, have;

  memset (c, 0, sizeof *c);
  if (t->n_external_data > 0 || (t->has_data_location
          && t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL))
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED, "tensor '%.80s' keeps "
        "its data in another file; store the model in one file", name);
  if (!type_info (t->data_type, &size, &c->type) || t->segment != NULL)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED, "tensor '%.80s' has "
        "data type %d, which is not supported", name, t->data_type);
  if (t->n_dims > NET_RANK)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED, "tensor '%.80s' has "
        "%zu dimensions, at most %d are supported", name, t->n_dims, NET_RANK);
  c->data_type = t->data_type;
  c->rank = (unsigned) t->n_dims;
  for (i = 0; i < c->rank; i++)
    c->dims[i] = t->dims[i];
  if (!net_count (c->rank, c->dims, &c->count))
    return walloc_fail (error, WALLOC_ERR_MODEL, "tensor '%.80s' has "
        "impossible dimensions", name);
  have = t->has_raw_data ? t->raw_data.len / size : typed_count (t);
  if (have != c->count || (t->has_raw_data && t->raw_data.len % size != 0))
    return walloc_fail (error, WALLOC_ERR_MODEL, "tensor '%.80s' has %zu "
        "values where its dimensions say %zu", name, have, c->count);
  bytes = c->type == NET_I64 ? 8 : 4;
  if (c->count > net->limits.max_parameter_bytes / bytes
      || net->param_bytes > net->limits.max_parameter_bytes - c->count * bytes)
    return walloc_fail (error, WALLOC_ERR_LIMIT, "tensor '%.80s' takes the "
        "parameters over the limit of %llu bytes", name,
        (unsigned long long) net->limits.max_parameter_bytes);
  if (in_plan)
    c->data = net_plan_alloc (net, c->count ? c->count : 1, bytes);
  else
    c->data = walloc_mem_alloc (&net->mem, c->count ? c->count : 1, bytes);
  if (c->data == NULL)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "no memory for tensor '%.80s'", name);
  if (!in_plan)
    net->param_bytes += c->count * bytes;
  convert (t, size, c);
  return WALLOC_OK;
}

/* The raw bytes are not needed once converted. */
void
net_proto_drop (walloc_net * net, Onnx__TensorProto * t)
{
  walloc_mem_free (&net->mem, t->raw_data.data);
  t->raw_data.data = NULL;
  t->raw_data.len = 0;
}

walloc_result
net_proto_load (walloc_net * net, const void *bytes, size_t size,
    walloc_error * error)
{
  ProtobufCAllocator allocator = { pb_alloc, pb_free, &net->mem };
  const uint8_t *p = bytes;
  Onnx__ModelProto *model;
  size_t i;

  if (!depth_is_fine (&onnx__model_proto__descriptor, p, p + size, 0))
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "not an ONNX model, or it ends early");
  model = onnx__model_proto__unpack (&allocator, size, p);
  if (model == NULL)
    return walloc_fail (error, WALLOC_ERR_MODEL, "not an ONNX model, "
        "or it needs more memory than the limit allows");
  net->model = model;
  if (model->graph == NULL)
    return walloc_fail (error, WALLOC_ERR_MODEL, "the model has no graph");
  for (i = 0; i < model->n_opset_import; i++) {
    const Onnx__OperatorSetIdProto *set = model->opset_import[i];

    if (set->domain == NULL || set->domain[0] == '\0')
      net->opset = set->version;
  }
  if (net->opset < 7 || net->opset > 18)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "operator set %lld; 7 to 18 are supported", (long long) net->opset);
  return WALLOC_OK;
}

void
net_proto_free (walloc_net * net)
{
  ProtobufCAllocator allocator = { pb_alloc, pb_free, &net->mem };

  if (net->model != NULL)
    onnx__model_proto__free_unpacked (net->model, &allocator);
  net->model = NULL;
}

const char *
net_proto_metadata (const walloc_net * net, const char *key)
{
  const Onnx__ModelProto *model = net->model;
  size_t i;

  for (i = 0; i < model->n_metadata_props; i++) {
    const Onnx__StringStringEntryProto *entry = model->metadata_props[i];

    if (entry->key != NULL && strcmp (entry->key, key) == 0)
      return entry->value != NULL ? entry->value : "";
  }
  return NULL;
}

static const Onnx__AttributeProto *
find_attr (const net_node * node, const char *name)
{
  const Onnx__NodeProto *proto = node->proto;
  size_t i;

  for (i = 0; i < proto->n_attribute; i++) {
    if (proto->attribute[i]->name != NULL
        && strcmp (proto->attribute[i]->name, name) == 0)
      return proto->attribute[i];
  }
  return NULL;
}

bool
net_attr_has (const net_node * node, const char *name)
{
  return find_attr (node, name) != NULL;
}

int64_t
net_attr_int (const net_node * node, const char *name, int64_t other)
{
  const Onnx__AttributeProto *a = find_attr (node, name);

  return a != NULL && a->has_i ? a->i : other;
}

float
net_attr_float (const net_node * node, const char *name, float other)
{
  const Onnx__AttributeProto *a = find_attr (node, name);

  return a != NULL && a->has_f ? a->f : other;
}

size_t
net_attr_ints (const net_node * node, const char *name, const int64_t ** ints)
{
  const Onnx__AttributeProto *a = find_attr (node, name);

  if (a == NULL)
    return 0;
  *ints = a->ints;
  return a->n_ints;
}

size_t
net_attr_floats (const net_node * node, const char *name, const float **floats)
{
  const Onnx__AttributeProto *a = find_attr (node, name);

  if (a == NULL)
    return 0;
  *floats = a->floats;
  return a->n_floats;
}

bool
net_attr_is (const net_node * node, const char *name, const char *text)
{
  const Onnx__AttributeProto *a = find_attr (node, name);

  return a != NULL && a->has_s && a->s.len == strlen (text)
      && memcmp (a->s.data, text, a->s.len) == 0;
}

walloc_result
net_attr_tensor (walloc_net * net, const net_node * node, const char *name,
    net_const * out, walloc_error * error)
{
  const Onnx__AttributeProto *a = find_attr (node, name);

  if (a == NULL || a->t == NULL)
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "attribute '%s' is missing", name);
  return net_proto_tensor (net, a->t, node->name, true, out, error);
}
