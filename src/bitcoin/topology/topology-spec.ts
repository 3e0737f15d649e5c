/** The field `spec.topology` of a network. */
export interface TopologySpec {
  readonly type: 'FullMesh' | 'Ring' | 'Line' | 'Star' | 'Tree' | 'Random' | 'Groups' | 'Edges' | 'None';
  readonly seed?: number | undefined;
  readonly star?: { readonly hub: number } | undefined;
  readonly tree?: { readonly arity: number } | undefined;
  readonly random?: { readonly degree?: number | undefined; readonly outbound?: number | undefined } | undefined;
  readonly groups?: GroupTopologySpec | undefined;
  readonly edges?: readonly { readonly from: number; readonly to: number }[] | undefined;
}

export interface GroupTopologySpec {
  readonly within?: 'FullMesh' | 'Ring' | 'Line' | 'Star' | 'Random' | undefined;
  readonly degree?: number | undefined;
  readonly bridges?: number | undefined;
}
