/** kubernetes.io/docs/concepts/containers/runtime-class: the nodes' own configuration says where `handler` leads. */
import { type HookUp, runtimeName } from '../hook-up.ts';

const manifest = `apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata:
  name: ${runtimeName}
handler: ${runtimeName}
`;

export const kubernetes: HookUp = {
  add: () => manifest,
  remove: (before) => before,
  use: [
    'tare oci install --for kubernetes | kubectl apply -f -',
    'tare oci install --for containerd, or --for cri-o, on every node',
    `spec.runtimeClassName: ${runtimeName}, in a pod`,
  ],
};
